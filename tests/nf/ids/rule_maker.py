"""Makes rules: realistic files of many, and small hostile ones; the same from the same seed."""

from __future__ import annotations

import random

_TEXT = (
    "GET POST HEAD User-Agent Host cgi-bin admin passwd login exec select union script cmd.exe root shell upload "
    "download update config token session cookie index.php wp-content setup install backup debug test proxy gate "
    "beacon agent stage payload loader invoke powershell base64 eval system ping tunnel relay panel bot"
)
WORDS = _TEXT.split()
CLASSTYPES = (
    "trojan-activity",
    "web-application-attack",
    "attempted-recon",
    "misc-activity",
    "attempted-admin",
)
PORTS = ("any", "any", "$HTTP_PORTS", "[21,25,110,143]", "445", "1024:", "53", "[80,443,8000:8100]")
HEAD = """
ipvar HOME_NET [10.0.0.0/8,192.168.0.0/16,2001:db8::/32]
ipvar EXTERNAL_NET !$HOME_NET
portvar HTTP_PORTS [80,81,8000:8100,8888]
"""


def text(rng: random.Random, data: bytes) -> str:
    """Bytes as a content has them."""
    return "".join(
        chr(byte)
        if chr(byte).isalnum() or (chr(byte) in "/.-_= " and rng.random() < 0.9)
        else f"|{byte:02X}|"
        for byte in data
    )


def literal(rng: random.Random) -> bytes:
    """Something that a signature could look for."""
    kind = rng.random()
    if kind < 0.15:
        return rng.randbytes(rng.randint(4, 16))
    parts = [rng.choice(WORDS) for _ in range(rng.randint(1, 2))]
    parts.append("".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=rng.randint(2, 9))))
    return rng.choice(["/", "=", "-", " ", "."]).join(parts).encode()


def realistic(seed: int, count: int = 1000) -> str:
    """A rule file like those that people run."""
    rng = random.Random(seed)
    return HEAD + "\n".join(_rule(rng, 2_000_000 + number) for number in range(count)) + "\n"


def _rule(rng: random.Random, sid: int) -> str:
    protocol = rng.choices(["tcp", "udp", "icmp", "ip"], [75, 18, 3, 4])[0]
    to_server = rng.random() < 0.7
    ends = ["$EXTERNAL_NET", "$HOME_NET"] if rng.random() < 0.8 else ["any", "any"]
    if not to_server:
        ends.reverse()
    ports = ["any", "any"] if protocol in ("icmp", "ip") else ["any", rng.choice(PORTS)]
    options = [f'msg:"SIGNATURE {rng.choice(WORDS)} number {sid}"']
    if protocol == "tcp" and rng.random() < 0.85:
        options.append(f"flow:established,{'to_server' if to_server else 'from_server'}")
    if protocol == "icmp":
        options.append(f"itype:{rng.choice([0, 3, 8, 11])}")
    if protocol != "icmp" or rng.random() < 0.5:
        options += _contents(rng)
    if rng.random() < 0.05:
        options.append(f"dsize:{rng.choice(['>', '<'])}{rng.randint(10, 1000)}")
    if rng.random() < 0.05:
        options.append("threshold:type limit, track by_src, count 1, seconds 60")
    if rng.random() < 0.04:
        options.append(f"flowbits:{rng.choice(['set', 'isset'])},family{rng.randint(1, 20)}")
    options += [f"classtype:{rng.choice(CLASSTYPES)}", f"sid:{sid}", f"rev:{rng.randint(1, 9)}"]
    action = rng.choices(["alert", "drop", "pass"], [95, 4, 1])[0]
    return f"{action} {protocol} {ends[0]} {ports[0]} -> {ends[1]} {ports[1]} ({'; '.join(options)};)"


def _contents(rng: random.Random) -> list[str]:
    found = []
    for number in range(rng.choices([1, 2, 3, 4], [45, 30, 15, 10])[0]):
        found.append(f'content:"{text(rng, literal(rng))}"')
        if rng.random() < 0.4:
            found.append("nocase")
        if number == 0 and rng.random() < 0.2:
            found += [f"depth:{rng.randint(40, 120)}"]
        elif number and rng.random() < 0.6:
            found += [f"distance:{rng.randint(0, 8)}", f"within:{rng.randint(60, 200)}"][: rng.randint(1, 2)]
    if rng.random() < 0.15:
        found.append(rf'pcre:"/{rng.choice(WORDS)}[^\n]{{1,20}}(id|key|u)=[0-9a-f]{{4,}}/i"')
    if rng.random() < 0.06:
        found.append(
            f"byte_test:{rng.choice([1, 2, 4])},>,{rng.randint(1, 200)},{rng.randint(0, 8)},relative"
        )
    if rng.random() < 0.05:
        found.append(f"isdataat:{rng.randint(5, 100)},relative")
    return found


LETTERS = b"abAB1 "


def tiny(rng: random.Random, sid: int, protocol: str = "udp", more: str = "") -> str:
    """A rule of few letters, so that random payloads match it in many ways or nearly."""
    options = [_tiny_option(rng, number) for number in range(rng.randint(1, 4))]
    return f"alert {protocol} any any -> any any ({more}{' '.join(options)} sid:{sid};)"


def _tiny_option(rng: random.Random, number: int) -> str:
    kind = rng.random()
    negated = rng.choice(["", "", "", "!"])
    if kind < 0.65:
        data = bytes(rng.choices(LETTERS, k=rng.randint(1, 3))).decode()
        found = f'content:{negated}"{data}";' + rng.choice(["", " nocase;"])
        place = rng.random()
        if place < 0.25:
            found += rng.choice([f" offset:{rng.randint(0, 6)};", ""]) + f" depth:{rng.randint(3, 9)};"
        elif place < 0.7:
            found += f" distance:{rng.randint(-3, 4)};" + rng.choice(["", f" within:{rng.randint(3, 9)};"])
        return found
    relative = rng.choice([",relative", ""])
    if kind < 0.75:
        return f"isdataat:{negated}{rng.randint(0, 9)}{relative};"
    if kind < 0.85:
        how = rng.choice(["", ",little"])
        operator = rng.choice(["<", ">", "=", "&", "^", "!<", "!&"])
        value = rng.choice([49, 66, 97, 24930])
        return f"byte_test:{rng.choice([1, 2])},{operator},{value},{rng.randint(0, 4)}{relative}{how};"
    if kind < 0.92:
        value, how = rng.choice([1, 10, 11, 171]), rng.choice(["dec", "hex"])
        return f"byte_test:3,{rng.choice('<>=')},{value},{rng.randint(0, 3)}{relative},string,{how};"
    if kind < 0.96:
        how = rng.choice(["", ",from_beginning", ",align", ",multiplier 2"])
        return f"byte_jump:1,{rng.randint(0, 3)}{relative},string,dec{how};"
    return f"byte_extract:1,{rng.randint(0, 3)},n{number}{relative},string,dec; isdataat:n{number}{relative};"
