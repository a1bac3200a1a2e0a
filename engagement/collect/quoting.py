"""Words that a shell could take for more than words: refused before any command is made of them.

A ProxyCommand of ssh_config(5) goes to a shell with the user and the host put in, and OpenSSH
refuses the same letters there. Paths go nowhere without quotes, and are refused all the same.
"""

from __future__ import annotations

from engagement.errors import InputError

_IN_ANY = frozenset("$`'\";|<>&")
_IN_NAMES = _IN_ANY | frozenset("(){}")


def check_user(user: str) -> None:
    """Refuse a user name that a shell, or ssh, could take for something else.

    Raises:
        InputError: Naming the letter.
    """
    _check(user, "user name", _IN_NAMES)
    if user.endswith("\\"):
        raise InputError(f"{user!r} is no user name: it ends in a backslash")


def check_hostname(name: str) -> None:
    """The same of a host's name or address."""
    _check(name, "name of a host", _IN_NAMES | {"\\"})


def check_path(path: str) -> None:
    """The same of a path on another machine."""
    _check(path, "path on another machine", _IN_ANY)


def _check(text: str, what: str, refused: frozenset[str]) -> None:
    if not text or text.startswith("-"):
        raise InputError(f"{text!r} is no {what}: it starts like an option, or is empty")
    found = next(
        (one for one in text if one in refused or one.isspace() or not one.isprintable()), None
    )
    if found is not None:
        raise InputError(f"{text!r} is no {what}: it has {found!r} in it")
