"""A process that starts deployment scripts to be killed: it imports Brownie once, then forks one script an order.

Orders come as JSON lines on standard input, each the script's arguments; answers go out as JSON lines. Every script
kills itself with SIGKILL as soon as one transaction of its own is mined, before it has told anybody.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

from scripts import deploy


def run_until_killed(arguments: list[str]) -> int:
    """Run the script; return its status where it had nothing left to send."""
    send = deploy._Sender.send

    def send_and_die(*step: Any) -> None:
        send(*step)
        os.kill(os.getpid(), signal.SIGKILL)

    deploy._Sender.send = send_and_die
    sys.argv = ["deploy", *arguments]
    return deploy.main()


def fork(arguments: list[str]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            status = run_until_killed(arguments)
        except BaseException:  # a defect must reach the test, whatever it is
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps({"exit": fork(json.loads(line))}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
