"""What tests of permissions and of system calls need: a user whom permissions stop, and a rule for skipping.

Root may read and write everything, so as root such tests would be green for nothing: they run as root without its
powers, who is an ordinary user that owns what root owns (another user could not read an environment under /root).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

import pytest

_ORDINARY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]


# How a script of root begins, in namespaces of its own, that makes ROOT, a bare system, a read-only root.
BARE = """
set -e
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
mount -o remount,bind,ro "$ROOT"
chroot=$(command -v chroot)
"""


def as_user(command: Sequence[str | os.PathLike[str]]) -> list[str]:
    """``command`` as one whom permissions stop: as root it loses root's powers, any other user has none to lose."""
    needs_linux("setpriv")
    return [*(_ORDINARY if os.geteuid() == 0 else []), *map(str, command)]


def needs_linux(*programs: str) -> None:
    """Skip the test where there is no Linux, or none of ``programs`` for a user who may not install them.

    On Linux a missing program is a failure for root, who can install it, and for everyone where CI=true is set.
    """
    if sys.platform != "linux":
        pytest.skip("Linux alone has setpriv and strace")
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    reason = f"needs {', '.join(missing)}: apt-get install strace util-linux mmdebstrap"
    if os.geteuid() == 0 or os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
