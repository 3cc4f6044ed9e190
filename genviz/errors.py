"""What a person gave cannot be used, said so that she can mend it."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = "make room there, or set GENVIZ_HOME to a folder you may write"


class BadInput(ValueError):
    """The message names the input and the remedy."""


def nearest(name: str, names: Iterable[str]) -> str:
    """': did you mean …?' for an error message, or ': there are …' when nothing is near."""
    names = list(names)
    close = difflib.get_close_matches(name, names, 3, 0.5)
    if close:
        return f": did you mean {' or '.join(close)}?"
    return f": there are {', '.join(names)}" if names else ": there are none"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What keeps `path` from being read, as a `BadInput`."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}): mend that, or remove it") from None


@contextmanager
def writing(path: Path, remedy: str = HOME) -> Iterator[None]:
    """What keeps `path` from being written, as a `BadInput`."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error}): {remedy}") from None
