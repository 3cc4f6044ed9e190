"""`dataset(name)`: every data set of genviz by its name, and the user's own by its path."""

import math
import os
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from torch import Tensor

from genviz.data import binary, images, mixtures
from genviz.data.base import Batch, Binarize, Count, Data, Density, Finite, binarize, draw
from genviz.data.binary import Ising
from genviz.data.mixtures import Banana, Mixture
from genviz.model import BadInput, Spec, Support, nearest

__all__ = [
    "Banana",
    "Batch",
    "Binarize",
    "Data",
    "Density",
    "Finite",
    "Ising",
    "Mixture",
    "binarize",
    "check",
    "dataset",
    "describe",
    "kind",
    "names",
    "offered",
]

Kind = Literal["points", "digits", "mnist"]


@dataclass(frozen=True)
class Set:
    build: Callable[..., Data]
    kind: Kind
    sentence: str
    support: Support = "real"
    has_rows: bool = True  # else an energy alone, for samplers


SETS: dict[str, Set] = {
    "8gaussians": Set(mixtures.eight_gaussians, "points", "Eight round blobs on a circle: does a model find every mode?"),
    "grid25": Set(mixtures.grid25, "points", "Twenty-five small blobs on a 5 × 5 grid: many modes, far apart."),
    "two-modes": Set(mixtures.two_modes, "points", "Two distant blobs, weights 0.2 and 0.8: can a chain cross between them?"),
    "moons": Set(mixtures.moons, "points", "Two interleaved half circles, two classes no line separates."),
    "rings": Set(mixtures.rings, "points", "Two concentric circles, two classes."),
    "ring": Set(mixtures.ring, "points", "One wide circle: a density with a hole and no single peak."),
    "swissroll": Set(mixtures.swissroll, "points", "A rolled-up line in the plane, labelled by the place along it."),
    "spiral": Set(mixtures.spiral, "points", "Two thin spiral arms, two classes."),
    "pinwheel": Set(mixtures.pinwheel, "points", "Five curved arms, five classes that are not round."),
    "square": Set(mixtures.square, "points", "One dimension, x = z² + noise: two causes z and -z for every x."),
    "two-points": Set(mixtures.two_points, "points", "The smallest set there is: x is -1 or 1."),
    "sine": Set(mixtures.sine, "points", "Sixty points of the curve y = sin 2x, for regression."),
    "ard": Set(mixtures.ard, "points", "Ten columns with only two true dimensions: can a model count them?"),
    "planted-tree": Set(mixtures.planted_tree, "points", "Three groups of three blobs: a tree to be found again."),
    "correlated": Set(mixtures.correlated, "points", "One long, narrow Gaussian: its two coordinates are strongly correlated."),
    "checkerboard": Set(mixtures.checkerboard, "points", "Uniform on the dark squares of a board: sharp edges and corners."),
    "banana": Set(mixtures.banana, "points", "A Gaussian bent along a parabola: one step size does not suit all of it."),
    "drawn": Set(mixtures.drawn, "points", "Your own brush strokes: a round blob at every point you stamped."),
    "bars-and-stripes": Set(
        binary.bars_and_stripes, "digits", "Every union of whole rows or of whole columns of a tiny image.", support="binary"
    ),
    "bars": Set(
        binary.bars,
        "digits",
        "4 × 4 images of horizontal or of vertical bars, each on with probability 0.2.",
        support="binary",
    ),
    "parity": Set(
        binary.parity,
        "points",
        "The states of three bits with an even number of ones: pairs of bits tell nothing.",
        support="binary",
    ),
    "encoder424": Set(
        binary.encoder424,
        "digits",
        "Four one-hot patterns, twice the same, to be squeezed through two units.",
        support="binary",
    ),
    "shifter": Set(
        binary.shifter,
        "points",
        "Eight bits and the same bits shifted left, unshifted or right: which was it?",
        support="binary",
    ),
    "heartbeat": Set(
        binary.heartbeat, "points", "Twenty bits, a beat at every fifth, in five equally likely phases.", support="binary"
    ),
    "ising": Set(
        binary.ising,
        "digits",
        "Magnets on a periodic lattice near the critical temperature: an energy, for samplers.",
        support="binary",
        has_rows=False,
    ),
    "random-patterns": Set(binary.random_patterns, "mnist", "Random patterns of ±1, for memories to store."),
    "digits": Set(
        images.digits, "digits", "1,797 small handwritten digits, 8 × 8 grey pixels, from scikit-learn.", support="unit"
    ),
    "mnist": Set(images.mnist, "mnist", "10,000 handwritten digits of MNIST, 28 × 28 grey pixels.", support="unit"),
}

SIZES = {name: p for name, p in signature(draw).parameters.items() if p.kind is Parameter.KEYWORD_ONLY}  # n, test, seed
ROWS = Parameter("rows", Parameter.KEYWORD_ONLY, default=None, annotation=Count | None)  # on every set


def names() -> list[str]:
    """All built-in sets."""
    return list(SETS)


def describe(name: str) -> str:
    """One plain sentence about a built-in set."""
    return find(name).sentence


def kind(name: str) -> Kind:
    """Which presets suit a built-in set, without making it."""
    return find(name).kind


def offered(shape: Sequence[int], support: str) -> list[str]:
    """The built-in sets that suit a model made for rows of that shape and support, without making any."""
    spec = Spec(tuple(shape), "real" if support == "real" else "unit")
    return [
        name
        for name, of in SETS.items()
        if of.has_rows and of.kind == spec.kind and (of.support == "real") == (support == "real")
    ]


def check(name: str) -> None:
    """A `BadInput` unless `name` is a built-in set with parameters in their range. Nothing is made."""
    base, _, given = name.partition(":")
    settings(base, find(name).build, parse(given))


def find(name: str) -> Set:
    base = name.partition(":")[0]
    if base not in SETS:
        raise unknown(base)
    return SETS[base]


def unknown(name: str) -> BadInput:
    return BadInput(f"no data is called {name!r}{nearest(name, SETS)}")


def dataset(name: str | Path | np.ndarray | Tensor, labels: Any = None, **parameters: Any) -> Data:
    """A data set by its name (`"moons"`, `"8gaussians:s=0.1"`), by the path of the user's own file or folder, or from an array.

    `rows=300` on any set keeps the first 300 rows of the training split and leaves the test split as it is. A wrong name, file,
    parameter or value is a `BadInput` that says what there is.
    """
    if isinstance(name, np.ndarray | Tensor):
        from genviz.data import own

        return built("array", partial(own.array, name, labels, "array"), parameters)
    if labels is not None:
        raise BadInput("labels go with an array; a file brings its own")
    base, _, given = name.partition(":") if isinstance(name, str) else ("", "", "")
    if base not in SETS:
        base, given = path_and_parameters(str(name))
    return built(base, SETS[base].build if base in SETS else reader(Path(base)), {**parse(given), **parameters})


def parse(given: str) -> dict[str, str]:
    """'a=1,b=2' -> {a: '1', b: '2'}."""
    pairs = [pair.partition("=") for pair in given.split(",")] if given else []
    if (bad := next((key for key, equals, _ in pairs if not equals), None)) is not None:
        raise BadInput(f"{bad!r} is no parameter: write name=value, with commas between several")
    return {key.strip(): value.strip() for key, _, value in pairs}


def path_and_parameters(text: str) -> tuple[str, str]:
    """'points.csv:rows=9' -> ('/full/path/points.csv', 'rows=9'), of what is there; else the error that fits what was meant."""
    if os.path.exists(text):
        return str(Path(text).resolve()), ""
    path, _, given = text.rpartition(":")
    if "=" in given and os.path.exists(path):
        return str(Path(path).resolve()), given
    head = text.partition(":")[0]
    if head in SETS or "/" in text or "\\" in text or Path(head).suffix:
        raise BadInput(f"there is no file or folder {text!r}: check the path")
    raise unknown(head)


def reader(path: Path) -> Callable[..., Data]:
    """What reads that file or folder."""
    from genviz.data import own  # and with it pillow, which nothing else needs

    readers = {".csv": own.read_csv, ".npz": own.read_npz, ".zip": own.read_zip}
    if path.is_dir():
        return partial(own.read_idx if any(path.glob("*idx3-ubyte*")) else own.read_folder, path)
    if path.suffix.lower() not in readers:
        raise BadInput(f"{path.name}: give a CSV, NPZ or ZIP file, a folder of images or of IDX files, or an array")
    return partial(readers[path.suffix.lower()], path)


# ---------------------------------------------------------------- parameters


def declared(build: Callable[..., Data]) -> dict[str, Parameter]:
    """The parameters of a set: its builder's own, those of `draw` if it passes them on, and `rows`."""
    own = dict(signature(build).parameters)
    extra = SIZES if any(p.kind is Parameter.VAR_KEYWORD for p in own.values()) else {}
    return {**extra, **{name: p for name, p in own.items() if p.kind is not Parameter.VAR_KEYWORD}, "rows": ROWS}


def settings(base: str, build: Callable[..., Data], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that differ from a set's own, checked, in one order."""
    known = declared(build)
    if (stray := next((key for key in given if key not in known), None)) is not None:
        raise BadInput(f"{base} has no parameter {stray!r}{nearest(stray, known)}")
    values = {key: value(key, raw, known[key].annotation) for key, raw in given.items() if raw is not None}
    return {key: v for key, v in sorted(values.items()) if v != known[key].default}


def built(base: str, build: Callable[..., Data], given: Mapping[str, Any]) -> Data:
    values = settings(base, build, given)
    rows = values.get("rows")
    try:
        data = build(**{key: v for key, v in values.items() if key != "rows"})
    except OSError as error:
        raise BadInput(f"{base} cannot be read: {error.strerror or error}") from None
    told = ",".join(f"{key}={repr(v).removesuffix('.0') if isinstance(v, float) else v}" for key, v in values.items())
    y = None if data.y is None else data.y[:rows]
    return replace(data, name=f"{base}:{told}" if told else base, x=data.x[:rows], y=y)


def value(name: str, raw: Any, hint: Any) -> Any:
    """`raw`, often text, as the declared type within its range; else a `BadInput` that says what is possible."""
    if get_origin(hint) in (Union, types.UnionType):  # … | None
        return value(name, raw, next(h for h in get_args(hint) if h is not type(None)))
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if found := next((choice for choice in choices if str(choice) == str(raw)), None):
            return found
        raise BadInput(f"{name} = {raw!r}: choose {' or '.join(map(str, choices))}")
    if hint is str:
        return raw if isinstance(raw, str) else written(name, raw)
    as_type, (low, high) = get_args(hint) if get_origin(hint) is Annotated else (hint, (-math.inf, math.inf))
    try:
        number = as_type(raw)
        fits = low <= number <= high and number == float(raw)
    except (TypeError, ValueError, OverflowError):
        fits, number = False, None
    if not fits:
        raise BadInput(f"{name} = {raw!r}: give {'a whole number' if as_type is int else 'a number'} from {low:g} to {high:,}")
    return number


def written(name: str, points: Any) -> str:
    """Points (k, 2) as the text 'x y;x y;…'."""
    try:
        return ";".join(" ".join(f"{v:.5g}" for v in row) for row in np.asarray(points, dtype=float))
    except (TypeError, ValueError):
        raise BadInput(f"{name}: give points as (k, 2) numbers, or as text 'x y;x y;…'") from None
