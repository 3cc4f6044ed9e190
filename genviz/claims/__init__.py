"""What the papers claim, measured here: one module a model, one function a claim. Importing this needs no torch.

A claim is a function of a seed. Its seeds together make a `Result`, which is written to JSON by `genviz claims` and never by
hand; pages show the newest of what genviz ships and what the user measured.
"""

import importlib
import json
import platform
import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from genviz.errors import BadInput, writing
from genviz.paths import PACKAGE, home

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SHIPPED = PACKAGE / "claims" / "shipped.json"


@dataclass(frozen=True)
class Measured:
    """What one seed gave: the model's `value` must beat the `baseline` by at least `threshold`, all in `unit`."""

    value: float
    baseline: float
    threshold: float
    unit: str = "nats"
    details: dict[str, float] = field(default_factory=dict)  # further figures worth telling

    @property
    def holds(self) -> bool:
        return self.value - self.baseline >= self.threshold


@dataclass(frozen=True)
class Claim:
    """`says` the paper's claim in our words, `measure` how we measured it, `run(seed)` the measurement, `seeds` those it is
    shipped with."""

    model: str
    name: str
    says: str
    paper: str
    measure: str
    fast: bool
    run: Callable[[int], Measured]
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Result:
    """A claim measured on several seeds. It `holds` if the means over seeds do; a NaN never does."""

    model: str
    claim: str
    says: str
    paper: str
    measure: str
    unit: str
    seeds: list[int]
    values: list[float]
    baselines: list[float]
    threshold: float
    mean: float
    baseline: float
    holds: bool
    details: list[dict[str, float]]
    seconds: float
    date: str  # ISO 8601, UTC
    command: str
    versions: dict[str, str]


CLAIMS: dict[str, Claim] = {}  # "model.name" -> claim, filled as claim modules are imported


def claim(
    *, model: str, says: str, paper: str, measure: str, fast: bool = False, seeds: tuple[int, ...] = (0, 1, 2)
) -> Callable[[Callable[[int], Measured]], Callable[[int], Measured]]:
    """Register a function of a seed as a claim about `model`; `fast` ones take at most 30 s a seed."""

    def register(run: Callable[[int], Measured]) -> Callable[[int], Measured]:
        CLAIMS[f"{model}.{run.__name__}"] = Claim(model, run.__name__, says, paper, measure, fast, run, seeds)
        return run

    return register


def modules() -> list[str]:
    """The models that have claims."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def claims(model: str) -> list[Claim]:
    """The claims about one model; imports torch."""
    importlib.import_module(f"genviz.claims.{model}")
    return [claim for claim in CLAIMS.values() if claim.model == model]


def measure(claim: Claim, seeds: Sequence[int], on_seed: Callable[[int], object] = lambda seed: None) -> Result:
    """Measure a claim on each seed, after telling `on_seed` which one comes."""
    started, found = time.perf_counter(), []
    if not seeds:
        raise BadInput("a claim is measured on at least one seed: name one, such as --seeds 0")
    for seed in seeds:
        on_seed(seed)
        found.append(claim.run(seed))
    mean, baseline = (fmean(getattr(one, what) for one in found) for what in ("value", "baseline"))
    together = Measured(mean, baseline, found[0].threshold)
    return Result(
        claim.model, claim.name, claim.says, claim.paper, claim.measure, found[0].unit, list(seeds),
        [one.value for one in found], [one.baseline for one in found], together.threshold, mean, baseline,
        together.holds, [one.details for one in found], round(time.perf_counter() - started, 1),
        datetime.now(UTC).isoformat(timespec="seconds"),
        shlex.join(["genviz", "claims", claim.model, "--seeds", *map(str, seeds)]),
        {"genviz": version("genviz"), "torch": version("torch"), "python": platform.python_version()},
    )  # fmt: skip


# ---------------------------------------------------------------- what was measured before


def mine() -> Path:
    """Where the user's own measurements are kept."""
    return home() / "claims.json"


@cache
def results() -> "TypeAdapter[list[Result]]":
    from pydantic import TypeAdapter

    return TypeAdapter(list[Result])


def read(path: Path) -> list[Result]:
    """The results in a file, none if there is no such file; those of another version are left out."""
    try:
        return list(_read(path, path.stat().st_mtime_ns))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError):
        raise BadInput(f"{path} cannot be read, so it is left as it is: mend it, or move it away") from None


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> list[Result]:
    known = {f.name for f in fields(Result)}
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return results().validate_python([row for row in rows if known == dict(row).keys()])


def write(path: Path, results: Iterable[Result]) -> None:
    """Add results to a file; each replaces an older one of the same claim. A file that cannot be read is not replaced."""
    kept = {(r.model, r.claim): asdict(r) for r in [*read(path), *results]}
    scratch = path.with_suffix(".new")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps([kept[key] for key in sorted(kept)], indent=1, ensure_ascii=False) + "\n", "utf-8")
        scratch.replace(path)


def newest(model: str) -> list[Result]:
    """The newest result of each claim about `model`, shipped or the user's own if they can be read, in the order of names."""
    found: list[Result] = []
    for path in (SHIPPED, mine()):
        with suppress(BadInput):
            found += [r for r in read(path) if r.model == model]
    return [r for _, r in sorted({r.claim: r for r in sorted(found, key=lambda r: r.date)}.items())]
