"""Web pages for the laboratory: an HTTP server, run as a program in the server's namespace.

    GET  /page?size=N&seed=S    text(N, S)
         &end=close             without a length: the connection's end is the page's (HTTP/1.0; the default)
         &end=length            Content-Length, the connection goes on
         &end=chunks            Transfer-Encoding: chunked, the connection goes on
         &old=HEX&new=HEX       lengths are announced as they are after old was replaced by new on the way
         &repeat=HEX            nothing but this word, instead of text(N, S)
         &last=HEX              the page's last bytes
         &step=N                written in pieces of N bytes, a segment each
    POST /upload?name=NAME      the body, up to Content-Length or to the connection's end, is put in NAME

Words are given in hexadecimal so that a network function which replaces them leaves the request alone; for
the same reason no header says "application".
"""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

WORDS = (
    b"cat cat cat catalogue concatenate catcat ccat cacat catat caat tac Cat c ca at dog leopard "
    b"jumped over the lazy\r\n <p> \xc3\xa9 \x00 "
).split(b" ")
BLOCK = 8192
CHUNK = 4000
PORT = 80


def text(size: int, seed: int, last: bytes = b".") -> bytes:
    """``size`` bytes full of cats, the same for the same ``seed``, that end with ``last``.

    >>> text(40, 1) == text(40, 1), len(text(100_000, 2)), text(100_000, 2).count(b"cat") > 5_000
    (True, 100000, True)
    """
    source = random.Random(seed)
    block = b" ".join(source.choices(WORDS, k=BLOCK // 3))[:BLOCK]
    # Every block has a number, so that two of them are never taken for one another.
    numbered = [b"%d" % number + block[number % 7 :] for number in range(size // (BLOCK - 7) + 1)]
    return b"".join(numbered)[: size - len(last)] + last


def repeated(word: bytes, size: int, last: bytes = b".") -> bytes:
    """``size`` bytes of one word, again and again, that end with ``last``.

    >>> repeated(b"cat", 8)
    b'catcatc.'
    """
    return (word * (size // len(word) + 1))[: size - len(last)] + last


def chunks(page: bytes) -> list[bytes]:
    """The pieces in which ``end=chunks`` sends a page: a word that is cut by two of them is no word."""
    return [page[at : at + CHUNK] for at in range(0, len(page), CHUNK)]


class _Handler(BaseHTTPRequestHandler):
    folder = Path()
    timeout = 30
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query, True).items()}
        size, last = int(query["size"]), bytes.fromhex(query.get("last", "2e"))
        word = bytes.fromhex(query.get("repeat", ""))
        page = repeated(word, size, last) if word else text(size, int(query["seed"]), last)
        old, new = bytes.fromhex(query.get("old", "")), bytes.fromhex(query.get("new", ""))
        end = query.get("end", "close")
        self.protocol_version = "HTTP/1.0" if end == "close" else "HTTP/1.1"
        self.close_connection = end == "close"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if end == "length":
            self.send_header("Content-Length", str(len(page.replace(old, new) if old else page)))
        elif end == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if end == "chunks":
            parts = [(len(part.replace(old, new) if old else part), part) for part in chunks(page)]
            page = b"".join(b"%x\r\n%b\r\n" % part for part in parts if part[0]) + b"0\r\n\r\n"
        self._write(page, int(query.get("step", len(page))))

    def do_POST(self) -> None:
        name = parse_qs(urlsplit(self.path).query)["name"][0]
        length = self.headers.get("Content-Length")
        (self.folder / name).write_bytes(self.rfile.read(int(length) if length else -1))
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def _write(self, page: bytes, step: int) -> None:
        for at in range(0, len(page), max(step, 1)):
            self.wfile.write(page[at : at + step])
            if step < len(page):
                time.sleep(0.0005)


class _Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6  # and IPv4, by mapped addresses
    request_queue_size = 128
    daemon_threads = True


def serve(folder: Path) -> None:
    """Serve until standard input ends: whoever started this holds the other end, and can't forget it."""
    _Handler.folder = folder
    server = _Server(("::", PORT), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    while sys.stdin.buffer.read(1):
        pass


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
