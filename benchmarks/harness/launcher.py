"""A script that runs the command it is given, and writes what that took behind the command's own output.

It imports nothing large: a new process begins with its parent's peak of memory on its account.
"""

import json
import os
import sys
import time

MARK = "\0"  # before the numbers


def launch(command: list[str]) -> int:
    """Run ``command``; its exit status."""
    begin = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - begin
    kilo = 1 if sys.platform == "darwin" else 1024
    sys.stdout.write(MARK + json.dumps({"wall_s": wall, "peak_bytes": usage.ru_maxrss * kilo}))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
