"""Become another program that dies with its parent; run as a script, standard library only.

`kill -9` gives the supervisor no chance to stop its children, so on Linux the kernel is asked to
signal each of them when it goes. The account is changed first: changing it drops that request.
Elsewhere the watchdog alone does this work.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, signal, user, group = (int(text) for text in sys.argv[1:5])
    if user >= 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the supervisor went away")
    os.execvp(sys.argv[5], sys.argv[5:])  # noqa: S606 - becoming another program is the point


main()
