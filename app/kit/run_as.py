"""Whom a server runs as that refuses to be root."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

ACCOUNT = "pgserver"


class NoAccountError(Exception):
    """There is nobody to run as; the message is one line that says how to mend it."""


def account_for(folder: Path) -> pwd.struct_passwd | None:
    """The account that owns ``folder`` or is to own it; None for the user we are.

    As root that is the folder's owner, or the account :data:`ACCOUNT`, made when it is missing.

    :raises NoAccountError: the folder is somebody else's, or the account cannot be made.
    """
    us = os.geteuid()
    owner = folder.stat().st_uid if folder.exists() else us
    if us == 0:
        return pwd.getpwuid(owner) if owner != 0 else _system_account()
    if owner != us:
        raise NoAccountError(f"{folder} belongs to another user: start as that user or set another NQPF_DATA")
    return None


def open_the_way(path: Path, account: pwd.struct_passwd) -> None:
    """Let ``account`` pass through the folders above ``path``; others still cannot list them."""
    for folder in path.parents:
        found = folder.stat()
        if found.st_uid != account.pw_uid and not found.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _system_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        if program:
            subprocess.run([program, *command[1:]], capture_output=True, check=False)  # noqa: S603
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise NoAccountError(
            f"PostgreSQL refuses to run as root: start as another user, or run {' '.join(command)}"
        ) from None
