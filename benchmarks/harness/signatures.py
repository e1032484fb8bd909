"""Literals and payloads as an IDS meets them: made from a seed, in the shape of published rules and of web traffic."""

from __future__ import annotations

import random

TEXT = """
admin login upload shell config backup passwd shadow setup install index view page user session token cmd exec
system include file path data query search update delete select union insert drop table wget curl bash powershell
python perl script alert cookie document eval base64 decode payload exploit overflow inject bypass root guest test
debug console manager phpmyadmin wordpress joomla drupal struts jenkins tomcat weblogic jboss solr redis mongo
memcached elastic docker kubernetes
"""
WORDS = TEXT.split()
PARTS = (
    "/cgi-bin/{}.cgi", "/{}/{}.php?{}=", "{}.asp?{}=", "/{}/../../{}", "{}=%27%20or%20", "<script>{}({})",
    "User-Agent: {}-{}", "{}%00.{}", "/api/v1/{}/{}", "cmd.exe /c {}", "() {{ :;}}; /bin/{}", "${{jndi:{}://",
    "{}::$DATA", "X-{}-{}: ", "/{}_{}.jsp", "..%2f..%2f{}", "{}.{}.onion", "|2f|bin|2f|{}", "wp-content/{}/{}",
)  # fmt: skip
BINARY = 0.25  # of all literals
FRAME = 14 + 20 + 8  # bytes of Ethernet, IPv4 and UDP headers in front of a payload
IMIX = ((64, 7), (594, 4), (1518, 1))  # bytes of a frame with its FCS, and how many of twelve


def literals(count: int, seed: int = 1) -> tuple[list[bytes], list[bool]]:
    """Different literals of 4 to 40 bytes, and which of them match in either case: half of those of text."""
    rng = random.Random(seed)
    made: dict[bytes, bool] = {}
    while len(made) < count:
        if rng.random() < BINARY:
            text, nocase = rng.randbytes(rng.randrange(4, 17)), False
        else:
            part = rng.choice(PARTS)
            names = [rng.choice(WORDS) + rng.choice(["", "", str(rng.randrange(100))]) for _ in range(3)]
            text, nocase = part.format(*names).encode()[:40], rng.random() < 0.5
        if len(text) >= 4:
            made.setdefault(text, nocase)
    return list(made), list(made.values())


def payloads(sizes: list[int], kind: str, found: list[bytes], seed: int = 2) -> list[bytes]:
    """Payloads of these sizes: ``random`` bytes, or ``web`` traffic; one in a hundred holds a literal."""
    rng = random.Random(seed)
    made = []
    for size in sizes:
        data = rng.randbytes(size) if kind == "random" else _web(rng, size)
        if rng.random() < 0.01:
            literal = rng.choice(found)
            if len(literal) <= size:
                at = rng.randrange(size - len(literal) + 1)
                data = data[:at] + literal + data[at + len(literal) :]
        made.append(data)
    return made


def frame_payloads(frames: str, count: int) -> list[int]:
    """Bytes of payload of UDP frames: ``64`` of that size all, or ``imix``."""
    if frames == "64":
        return [64 - 4 - FRAME] * count
    turn = [size - 4 - FRAME for size, many in IMIX for _ in range(many)]
    rng = random.Random(3)
    sizes = (turn * (count // len(turn) + 1))[:count]
    rng.shuffle(sizes)
    return sizes


def _web(rng: random.Random, size: int) -> bytes:
    """A part of an HTTP request or of a page."""
    text = bytearray()
    while len(text) < size + 400:
        if rng.random() < 0.5:
            path = "/".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 5)))
            text += f"GET /{path}?id={rng.randrange(10**6)} HTTP/1.1\r\n".encode()
            text += f"Host: www.{rng.choice(WORDS)}.example\r\n".encode()
            text += b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
            text += b"Accept: text/html,application/xhtml+xml;q=0.9\r\nAccept-Encoding: gzip, deflate\r\n\r\n"
        else:
            words = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(5, 30)))
            text += f'<div class="{rng.choice(WORDS)}"><p>{words}.</p><a href="/{rng.choice(WORDS)}.html">'.encode()
    at = rng.randrange(400)
    return bytes(text[at : at + size])
