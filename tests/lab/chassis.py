"""ipmi_sim's chassis control program: hands the order to the lab and its answer back.

    chassis.py SOCKET NODE [MC] get|set|check ...

A separate program because ipmi_sim runs one for each chassis command, and waits for it.
"""

import socket
import sys

PATIENCE = 60.0  # beyond it ipmi_sim answers with completion code 0xff


def main() -> int:
    with socket.socket(socket.AF_UNIX) as lab:
        lab.settimeout(PATIENCE)
        lab.connect(sys.argv[1])
        lab.sendall(" ".join(sys.argv[2:]).encode() + b"\n")
        code, _, answer = lab.makefile().read().partition("\n")
    sys.stdout.write(answer)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
