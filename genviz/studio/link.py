"""What a link asks for, read with suspicion: it may come from anyone."""

import json
import re
from collections.abc import Callable
from typing import Any


def plain(text: object) -> str:
    """Foreign text for streamlit's markdown: nothing in it becomes a link, a picture or a formula."""
    return re.sub(r"([\\`*_{}\[\]()#+!<>|~$:])", r"\\\1", str(text))


def is_name(text: str) -> bool:
    """Whether this could be the name of a preset or a file of ours."""
    return bool(re.fullmatch(r"[\w.-]{1,64}", text))


LONGEST = 255  # of a run's name
LARGEST = 1e300  # number: beyond it arithmetic fails


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST  # nor NaN


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 64 and all(map(_number, value))


def _ranges(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[\d,+-]{0,4000}", value))


WALK: dict[str, Callable[[Any], bool]] = {
    "chains": lambda value: isinstance(value, int) and 1 <= value <= 64,
    "seed": lambda value: isinstance(value, int) and 0 <= value < 10**6,
    "temperature": _number,
    "flips": _number,
    "grain": lambda value: value in ("unit", "layer", "sweep"),
    "begin": lambda value: value in ("data", "noise", "fantasy"),
    "clamp": _ranges,
}


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


LANE: dict[str, Callable[[Any], bool]] = {
    "sampler": lambda value: value in ("mh", "gibbs", "ula", "mala", "hmc", "pt"),
    "eps": lambda value: _number(value) and 0 < value <= 10,
    "leapfrog": _whole(1, 500),
    "temperatures": _whole(2, 32),
}


def _rows(most: int, least: int, longest: int) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, list)
        and len(value) <= most
        and all(_numbers(row) and least <= len(row) <= longest and abs(max(row, key=abs)) < 10**12 for row in value)
    )


RACE: dict[str, Callable[[Any], bool]] = {
    "lanes": lambda value: isinstance(value, list) and 2 <= len(value) <= 4 and all(map(_lane, value)),
    "clock": lambda value: value in ("evaluations", "steps"),
    "chains": _whole(1, 64),
    "begin": lambda value: value in ("centre", "point", "draws"),
    "point": lambda value: _numbers(value) and len(value) == 2,
    "seed": _whole(0, 10**6 - 1),
    "fog": lambda value: isinstance(value, bool),
    "jumps": lambda value: isinstance(value, bool),
    "rate": _whole(1, 2000),
    "guess": _whole(0, 9),
    "tick": _whole(0, 10**6),
    "shaping": lambda value: isinstance(value, bool),
    "barrier": lambda value: isinstance(value, bool),
    "shape": _rows(80, 1, 4),
    "width": lambda value: _number(value) and 0.1 <= value <= 10,
    "escapes": _rows(40, 3, 4),
}


def _lane(value: Any) -> bool:
    return isinstance(value, dict) and "sampler" in value and _all(value, LANE)


DAMAGE: dict[str, Callable[[Any], bool]] = {
    "rule": lambda value: value in ("hebb", "storkey", "pinv"),
    "units": lambda value: value in (64, 100, 200),
    "own": lambda value: isinstance(value, bool),
    "together": lambda value: isinstance(value, bool),
    "seed": _whole(0, 10**6 - 1),
    "filled": lambda value: isinstance(value, bool),
}


def _settings(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 64 and all(isinstance(v, str | bool) or _number(v) for v in value.values())


FILM: dict[str, Callable[[Any], bool]] = {
    "seed": lambda value: isinstance(value, int) and 0 <= value < 10**9,
    "settings": _settings,
    "clamp": lambda value: value is None or (isinstance(value, list) and _numbers([x for x in value if x is not None])),
    "forgotten": _ranges,
}
VIEW: dict[str, Callable[[Any], bool]] = {
    "playhead": _number,
    "following": lambda value: isinstance(value, bool),
    "axes": lambda value: (
        _numbers(value) and len(value) == 2 and all(isinstance(axis, int) and 0 <= axis < 64 for axis in value)
    ),
    "hidden": lambda value: isinstance(value, list) and len(value) <= 64 and all(isinstance(layer, str) for layer in value),
    "selection": lambda value: isinstance(value, int) and -1 <= value < 10_000,
    "film": lambda value: isinstance(value, dict) and FILM.keys() - {"forgotten"} <= value.keys() and _all(value, FILM),
    "pair": lambda value: isinstance(value, str) and len(value) <= LONGEST,
    "cursor": lambda value: value is None or (_numbers(value) and len(value) > 0),
    "walk": lambda value: isinstance(value, dict) and _all(value, WALK),
    "race": lambda value: isinstance(value, dict) and _all(value, RACE),
    "damage": lambda value: isinstance(value, dict) and _all(value, DAMAGE),
}


def _all(value: dict[str, Any], kinds: dict[str, Callable[[Any], bool]]) -> bool:
    return all(name in kinds and kinds[name](part) for name, part in value.items())


def read_view(text: str) -> dict[str, Any]:
    """The viewer's state as the stage wrote it; a ValueError when it is anything else."""
    try:
        view = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(view, dict) or not _all(view, VIEW):
        raise ValueError("not a view of the stage")
    return view
