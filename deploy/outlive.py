"""Run a command and outlive it: `python3 outlive.py COMMAND ...` ends when all that it began has.

Where a container's first process ends, everything in it is killed at once: with the policy, driver
and watchdog would be, before they have stopped the wheels. So the first process is this one. It
passes signals on, and leaves after the last descendant, with the command's exit code.
"""

import ctypes
import os
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: orphans become ours, where we are not process 1 anyway
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(command: list[str]) -> int:
    """Run it; returns its exit code, 128 and the signal's number where one ended it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    heard = {*PASSED_ON, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    child: int | None = os.posix_spawnp(command[0], command, os.environ, setsigmask=[])
    code = 0
    while True:
        info = signal.sigwaitinfo(heard)
        # A positive code is the terminal's own Ctrl-C, which the command has heard as well.
        if info.si_signo in PASSED_ON and child is not None and info.si_code <= 0:
            os.kill(child, info.si_signo)
        try:
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == child:
                    child, code = None, os.waitstatus_to_exitcode(found[1])
        except ChildProcessError:  # nobody is left
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
