"""How shapes and types are checked under pytest: an int is a float, as in PEP 484."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep673Exception

strict = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        return strict(function)
    except BeartypeDecorHintPep673Exception:  # `Self` cannot be checked outside a decorated class
        return function
