"""`Data`: rows to learn from, rows to test on, and the exact truth behind them where there is one."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Protocol, TypedDict, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.model import BadInput, Energies, Spec, Support
from genviz.rng import Rng

Points = Float[Tensor, "n d"]
Each = Float[Tensor, " n"]
Binarize = Literal["none", "threshold", "dynamic", "fixed"]
BITS = {
    "none": "",
    "threshold": ", pixels above ½ as 1",
    "dynamic": ", bits drawn once",
    "fixed": ", bits drawn once",
}  # in words

NAMED = 5  # constant columns, at most

# Parameters of data sets: a type and its range, read by `genviz.data.dataset`.
Count = Annotated[int, (1, 200_000)]
Seed = Annotated[int, (0, 2**31 - 1)]
Std = Annotated[float, (1e-3, 10.0)]


class Size(TypedDict, total=False):
    """What every set that is drawn takes: how many rows to train and to test on, and the seed."""

    n: Count
    test: Count
    seed: Seed


class Batch(NamedTuple):
    """Some training rows `x` (n, d), their labels `y` (n,) and their places `index` (n,) in the training split."""

    x: Tensor
    y: Tensor | None
    index: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]


@runtime_checkable
class Density(Protocol):
    """The exact density behind continuous data: raw units, nats."""

    def log_prob(self, x: Points) -> Each: ...
    def score(self, x: Points) -> Points: ...
    def sample(self, n: int, rng: Rng) -> Points: ...


class Drawn:
    """What can be drawn from, component by component."""

    def draw(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        """`n` exact independent draws (n, d) and the component (n,) each came from."""
        raise NotImplementedError

    def sample(self, n: int, rng: Rng) -> Points:
        """`n` exact independent draws, (n, d)."""
        return self.draw(n, rng)[0]


class Finite(Drawn):
    """The exact distribution of a set whose every state can be listed: `states` (k, d), `probs` (k,) summing to 1."""

    def __init__(self, states: Float[Tensor, "k d"], probs: Float[Tensor, " k"] | None = None) -> None:
        self.states = states
        self.probs = torch.full((len(states),), 1 / len(states), dtype=torch.float64) if probs is None else probs.double()

    def log_prob(self, x: Points) -> Each:
        """Log probability of each row in nats, -inf where the row is no state: (n, d) -> (n,)."""
        same = torch.cat([(rows[:, None] == self.states).all(2) for rows in x.split(1024)])
        return (same.double() @ self.probs).log().to(x.dtype)

    def draw(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        state = rng.categorical(self.probs, n)
        return self.states[state], state

    def entropy(self) -> float:
        """-Σ p log p in nats: what the best possible model pays per row."""
        return float(torch.special.entr(self.probs).sum())


@dataclass(frozen=True, eq=False)
class Data:
    """A data set in raw units: `x` (n, d) to train on, `test_x` (m, d) to test on, labels `y` (n,) and `test_y` (m,).

    Scaling and binarisation belong to the model. `density` is the truth, if known: a `Density`, a `Finite` list of states, or
    only an energy in nats (`ising`).
    """

    name: str  # canonical: `dataset(data.name)` is this very set
    x: Float[Tensor, "n d"]
    test_x: Float[Tensor, "m d"]
    spec: Spec
    y: Int[Tensor, " n"] | None = None
    test_y: Int[Tensor, " m"] | None = None
    density: Density | Finite | Energies | None = None
    columns: tuple[str, ...] = ()  # the columns of the user's own table
    classes: tuple[str, ...] = ()  # the names of labels 0, 1, …

    @property
    def class_names(self) -> tuple[str, ...]:
        """`classes`, if they say more than the labels' own numbers do."""
        return () if self.classes == tuple(map(str, range(len(self.classes)))) else self.classes

    @cached_property
    def note(self) -> str:
        """What a person should know of these rows: the columns of points that never change; "" if there are none."""
        x, names = self.x, self.columns or tuple(f"column {i + 1}" for i in range(self.spec.dim))
        if len(self.spec.shape) > 1 or not len(x):
            return ""
        constant = [names[i] for i in (x.min(0).values == x.max(0).values).nonzero().flatten().tolist()]
        more = f" and {len(constant) - NAMED:,} more" if len(constant) > NAMED else ""
        return f"constant: {', '.join(constant[:NAMED])}{more}" if constant else ""

    @cached_property
    def sha256(self) -> str:
        """The identity of the rows and labels, whatever they are called."""
        digest = hashlib.sha256()
        for part in (self.x, self.y, self.test_x, self.test_y):
            digest.update(b"none" if part is None else repr(tuple(part.shape)).encode() + part.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def _bits(self) -> dict[tuple[Binarize, str], Tensor]:
        return {}

    def _as_bits(self, how: Binarize, rows: int, split: Literal["train", "test"]) -> Tensor:
        """The first rows as bits that never change. Kept, as drawing them at every frame would cost more than the frame.

        One tensor a split and way, grown by doubling when more rows are asked for: each row's bits are the same in all.
        """
        x = self.x if split == "train" else self.test_x
        if how == "none":
            return x[:rows]
        rows = min(rows, len(x))
        if rows > len(kept := self._bits.get((how, split), x[:0])):
            kept = self._bits[how, split] = binarize(x[: 1 << (rows - 1).bit_length()], how, split=split)
        return kept[:rows]

    def binarized(self, how: Binarize, split: Literal["train", "test"] = "train", rng: Rng | None = None) -> Tensor:
        """All rows of one split (n, d) as the model that says `binarize = how` sees them; `dynamic` draws from `rng`."""
        return binarize(self.x if split == "train" else self.test_x, how, rng, split)

    def seen(self, model: Any, rows: int, split: Literal["train", "test"] = "train") -> Tensor:
        """The first rows of a split as the model takes them, to look at: grey pixels are bits if it trains on bits.

        Bits drawn afresh at each visit are drawn once here, so that two looks see the same.
        """
        how: Binarize = getattr(model, "binarize", "none")
        return self._as_bits("fixed" if how == "dynamic" else how, rows, split)

    def seen_row(self, model: Any, point: int, split: Literal["train", "test"] = "train") -> Tensor:
        """Row `point` of a split, (1, d), as `seen` shows it; a `BadInput` names the rows there are."""
        n = len(self.x if split == "train" else self.test_x)
        if not 0 <= point < n:
            raise BadInput(f"there is no row {point}: {self.name} has rows 0 … {n - 1}")
        return self.seen(model, point + 1, split)[point:]

    def batches(self, model: Any, rng: Rng) -> Iterator[Batch]:
        """Endless minibatches: a new permutation each epoch, the short batch dropped.

        `model.batch`, and `model.binarize` if there is one, are read at each draw, so that both may change mid-run.
        """
        n = len(self.x)
        if not n:
            raise BadInput(f"{self.name} is an energy for samplers: it has no rows to learn from")
        while True:
            order, at = rng.permutation(n), 0
            while at + (size := min(model.batch, n)) <= n:
                index, at = order[at : at + size], at + size
                how: Binarize = getattr(model, "binarize", "none")
                rows = self._as_bits("fixed", n, "train") if how == "fixed" else self.x
                x = rows.index_select(0, index)  # four times as fast as rows[index]
                x = x if how == "fixed" else binarize(x, how, rng)
                yield Batch(x, None if self.y is None else self.y[index], index)


def binarize(
    x: Float[Tensor, "n d"], how: Binarize, rng: Rng | None = None, split: Literal["train", "test"] = "train"
) -> Float[Tensor, "n d"]:
    """Grey values in [0, 1] as bits: (n, d) -> (n, d).

    `none` leaves them (probabilities of Bernoulli targets), `threshold` asks > 0.5, `dynamic` draws afresh from `rng`, `fixed`
    is one draw for all times, by numpy's RandomState(0) for a training split and RandomState(1) for a test split, for all its
    rows in order.
    """
    if how == "none":
        return x
    if len(x) and (x.min() < 0 or x.max() > 1):
        raise BadInput(f"binarize = {how} needs values in [0, 1], these reach from {x.min():.4g} to {x.max():.4g}")
    if how == "threshold":
        return (x > 0.5).to(x.dtype)
    if how == "dynamic":
        if rng is None:
            raise BadInput("binarize = dynamic draws bits at random: give it an rng")
        return rng.bernoulli(x)
    uniform = np.random.RandomState(0 if split == "train" else 1).rand(*x.shape)
    return torch.from_numpy(uniform < x.numpy()).to(x.dtype)


def draw(
    law: Any,
    labels: Tensor | None = None,
    classes: tuple[str, ...] = (),
    shape: tuple[int, ...] | None = None,
    support: Support = "real",
    *,
    n: Count = 4000,
    test: Count = 1000,
    seed: Seed = 0,
) -> Data:
    """`n` training rows drawn from `law`, then `test` rows as the next draws; `labels` (k,) gives each component its label."""
    rng = Rng(seed, "data")
    (x, y), (test_x, test_y) = law.draw(n, rng), law.draw(test, rng)
    many = 0 if labels is None else int(labels.max()) + 1
    if labels is None or many < 2:  # a single label says nothing
        return Data("", x, test_x, Spec(shape or (x.shape[1],), support), density=law)
    spec = Spec(shape or (x.shape[1],), support, many)
    return Data("", x, test_x, spec, labels[y], labels[test_y], law, classes=classes or tuple(map(str, range(many))))


def listed(
    states: Float[Tensor, "k d"], shape: tuple[int, ...], y: Tensor | None = None, classes: tuple[str, ...] = ()
) -> Data:
    """Equally likely binary states, each of them once: training on all rows is training on the exact distribution."""
    spec = Spec(shape, "binary", 0 if y is None else int(y.max()) + 1)
    assert len(states.unique(dim=0)) == len(states) and states.shape[1] == math.prod(shape)
    return Data("", states, states, spec, y, y, Finite(states), classes=classes or tuple(map(str, range(spec.classes))))
