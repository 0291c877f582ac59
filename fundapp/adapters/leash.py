"""Run a program on a leash: `python leash.py PARENT UID PROGRAM [ARGUMENT…]`. Standard library only.

On Linux the program gets SIGINT or SIGTERM when its parent dies, also when that was killed outright. UID is the user
to become, or - to stay who we are. The leash goes on after that change, because the kernel takes it off at one; the
library is loaded before it, because the new user may not be able to read it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, uid: str, program: list[str]) -> None:
    """Become the user, put the leash on, and become the program."""
    library = ctypes.CDLL(None)
    if uid != "-":
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    if hasattr(library, "prctl"):
        # To PostgreSQL SIGINT means: end all sessions and stop; SIGTERM would wait for them.
        farewell = signal.SIGINT if os.path.basename(program[0]) == "postgres" else signal.SIGTERM  # noqa: PTH119
        library.prctl(PR_SET_PDEATHSIG, farewell)
        if os.getppid() != parent:
            sys.exit("the parent is gone already")
    os.execv(program[0], program)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
