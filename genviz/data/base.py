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
    note: str = ""  # what the user should know, "" when there is nothing to say

    @cached_property
    def sha256(self) -> str:
        """The identity of the rows and labels, whatever they are called."""
        digest = hashlib.sha256()
        for part in (self.x, self.y, self.test_x, self.test_y):
            digest.update(b"none" if part is None else repr(tuple(part.shape)).encode() + part.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def _looks(self) -> dict[tuple[Binarize, int, str], Tensor]:
        return {}  # drawing bits at every frame would cost more than the frame

    @cached_property
    def _fixed(self) -> Tensor:
        return binarize(self.x, "fixed", split="train")

    def binarized(self, how: Binarize, split: Literal["train", "test"] = "train", rng: Rng | None = None) -> Tensor:
        """All rows of one split (n, d) as the model that says `binarize = how` sees them; `dynamic` draws from `rng`."""
        return binarize(self.x if split == "train" else self.test_x, how, rng, split)

    def seen(self, model: Any, rows: int, split: Literal["train", "test"] = "train") -> Tensor:
        """The first rows of a split as the model takes them, to look at: grey pixels are bits if it trains on bits.

        Bits drawn afresh at each visit are drawn once here, so that two looks see the same.
        """
        how: Binarize = getattr(model, "binarize", "none")
        key: tuple[Binarize, int, str] = ("fixed" if how == "dynamic" else how, rows, split)
        if key not in self._looks:
            self._looks[key] = binarize((self.x if split == "train" else self.test_x)[:rows], key[0], split=split)
        return self._looks[key]

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
                x = self._fixed[index] if how == "fixed" else binarize(self.x[index], how, rng)
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
