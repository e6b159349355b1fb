"""snmpd's pass_persist helper of pdu.py: hands every line to the lab, and the lab's answers back.

    pdu_relay.py SOCKET

It ends when either side does.
"""

import os
import select
import socket
import sys

MOST = 4096


def main() -> None:
    with socket.socket(socket.AF_UNIX) as lab:
        lab.connect(sys.argv[1])
        ways = {sys.stdin.fileno(): lab.fileno(), lab.fileno(): sys.stdout.fileno()}
        while True:
            for ready in select.select(list(ways), [], [])[0]:
                said = os.read(ready, MOST)
                if not said:
                    return
                os.write(ways[ready], said)


if __name__ == "__main__":
    main()
