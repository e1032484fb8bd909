#!/usr/bin/env python3
"""Make ``mixed.pcap``: real traffic between real programs in network namespaces of this machine.

Run as root: ``sudo python3 captures/make_capture.py [--out FILE] [--seed N]``. It takes half a minute, uses
nothing but the standard library and the programs of the Debian packages in `PACKAGES`, installs nothing,
touches no interface of the machine, and removes all that it made, also when it fails or is interrupted.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import services
import traffic

from lab import PREFIX, Lab, LabError, stop, wait_until

PACKAGES = {  # program: Debian package
    "ip": "iproute2",
    "ss": "iproute2",
    "sysctl": "procps",
    "tcpdump": "tcpdump",
    "iperf3": "iperf3",
    "dnsmasq": "dnsmasq-base",
    "dig": "bind9-dnsutils",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "curl": "curl",
    "ping": "iputils-ping",
    "traceroute": "traceroute",
    "nc": "netcat-openbsd",
}
LARGEST = 1_000_000  # bytes: the file lies in the repository


def missing_packages() -> list[str]:
    """Return the Debian packages that are needed and not installed.

    The search includes the folders for administrators, which are not always in root's path.
    """
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})


def capture(folder: Path, seed: int) -> Path:
    """Build the lab in ``folder``, let the hosts talk, and return the capture, which lies there too."""
    made = folder / "mixed.pcap"
    with Lab(folder) as lab:
        trunk = lab.build(seed)
        services.start_all(lab, shutil.which("sshd") or "sshd")
        options = ("-i", "span", "-s", "0", "-n", "-U", "-B", "8192", "-Z", "root", "-w", str(made))
        tcpdump = lab.start("span", "tcpdump", *options)
        log = next(folder.glob("tcpdump-*.log"))
        wait_until(lambda: "listening on" in log.read_text(), "tcpdump")
        lab.bring_up()
        traffic.run_all(lab)
        time.sleep(0.5)  # what is still on its way
        stop(tcpdump)
        print("trunk:", stop(trunk).strip())
        print("tcpdump:", ", ".join(log.read_text().splitlines()[1:]))
    if "0 packets dropped by kernel" not in log.read_text():
        raise LabError("tcpdump lost packets; run it again on a machine with less to do")
    if made.stat().st_size > LARGEST:
        raise LabError(f"the capture has {made.stat().st_size} bytes, more than {LARGEST}")
    return made


def main() -> int:
    """Parse the arguments, make the capture; 0: done, 1: failed (the message says at what), 2: usage."""
    parser = argparse.ArgumentParser(description="Make a capture of real traffic in network namespaces.")
    default = Path(__file__).with_name("mixed.pcap")
    parser.add_argument("--out", type=Path, default=default, help="the file to write (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="for loss and reordering (default: %(default)s)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root: run it with sudo")
    if not arguments.out.parent.is_dir():
        parser.error(f"--out: there is no folder {arguments.out.parent}")
    if missing := missing_packages():
        parser.error(f"programs are missing: apt-get install --no-install-recommends {' '.join(missing)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-") as folder:
            made = capture(Path(folder), arguments.seed)
            shutil.copyfile(made, arguments.out)
    except (LabError, OSError) as error:
        print(f"make_capture: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make_capture: interrupted; everything was removed", file=sys.stderr)
        return 130
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes; now run captures/check_capture.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
