"""The servers behind the router: web (with TLS), DNS, ssh; their files and keys are made for one run."""

import random
from functools import partial
from pathlib import Path

from lab import Lab, execute, wait_until

PAGES = {"index.html": 700, "about.html": 2_500, "news.html": 9_000, "manual.html": 30_000}
WORDS = ("packet", "header", "parse", "filter", "window", "stream", "queue", "route", "switch", "frame")

NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 64; }}
http {{
  access_log off; default_type text/html; server_tokens off; keepalive_timeout 20;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl;
    ssl_certificate {folder}/tls.crt; ssl_certificate_key {folder}/tls.key;
    root {folder}/pages;
    location /upload {{ return 204; }}
    location /moved {{ return 301 /index.html; }}
  }}
}}
"""

SSHD = """
Port 22
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PrintLastLog no
ForceCommand exec env -i PATH=/usr/bin:/bin TERM=dumb HOME={folder} PS1='demo$ ' sh -i
"""

# Private /run and /var/log (`ip netns exec` has its own mount namespace): no login record stays behind.
SSHD_START = (
    "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log && mkdir -m 755 /run/sshd && "
    "exec {sshd} -D -e -f {file}"
)


def text(size: int, seed: int) -> str:
    """Return about ``size`` bytes of HTML, the same for the same ``seed``."""
    chooser = random.Random(seed)
    lines = ["<!doctype html><title>Example</title>"]
    while sum(map(len, lines)) + len(lines) < size:
        lines.append(f"<p>{' '.join(chooser.choices(WORDS, k=10))}.</p>")
    return "\n".join(lines) + "\n"


def start_all(lab: Lab, sshd: str) -> None:
    """Start every server in the namespace ``server`` and return when all of them listen."""
    start_web(lab)
    start_dns(lab)
    start_ssh(lab, sshd)
    for port in (80, 443, 53, 22):
        wait_until(partial(lab.listens, "server", port), f"a server on TCP port {port}")


def start_web(lab: Lab) -> None:
    """Start nginx with a few pages and a throw-away certificate."""
    pages = lab.folder / "pages"
    pages.mkdir()
    for number, (name, size) in enumerate(PAGES.items()):
        (pages / name).write_text(text(size, number))
    execute(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=www.example.com",
         "-keyout", f"{lab.folder}/tls.key", "-out", f"{lab.folder}/tls.crt"]
    )  # fmt: skip
    lab.start("server", "nginx", "-e", f"{lab.folder}/nginx.err", "-c", str(write(lab, "nginx.conf", NGINX)))


def start_dns(lab: Lab) -> None:
    """Start dnsmasq with a made-up zone; its long TXT record doesn't fit into UDP: clients turn to TCP."""
    long_text = ",".join(f"{number:02d}{'x' * 198}" for number in range(10))
    lab.start(
        "server", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=",
        "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=203.0.113.53,2001:db8:ff::53",
        "--local=/example.com/", "--local=/203.in-addr.arpa/", "--no-daemon",
        "--host-record=www.example.com,203.0.113.80,2001:db8:ff::80",
        "--host-record=ssh.example.com,203.0.113.22,2001:db8:ff::22",
        "--cname=web.example.com,www.example.com", "--mx-host=example.com,www.example.com,10",
        "--txt-record=example.com,v=spf1 -all", f"--txt-record=long.example.com,{long_text}",
        "--srv-host=_ssh._tcp.example.com,ssh.example.com,22",
    )  # fmt: skip


def start_ssh(lab: Lab, sshd: str) -> None:
    """Start a private sshd that accepts one throw-away key."""
    for key in ("host_key", "user_key"):
        execute(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", str(lab.folder / key)])
    configuration = write(lab, "sshd.conf", SSHD)
    lab.start("server", "sh", "-c", SSHD_START.format(sshd=sshd, file=configuration))


def write(lab: Lab, name: str, template: str) -> Path:
    """Write a configuration file into the lab's folder and return its path."""
    path = lab.folder / name
    path.write_text(template.format(folder=lab.folder))
    return path
