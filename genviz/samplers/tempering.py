"""Parallel tempering: hot replicas cross barriers, cold ones inherit what they found."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from genviz.errors import BadInput
from genviz.rng import Rng
from genviz.samplers.walk import Walk, at_least

Move = Callable[[Tensor, Rng], tuple[Tensor, Tensor]]


def ladder(temperatures: int) -> Float[Tensor, " k"]:
    """Inverse temperatures from 0 up to 1, evenly; a single one is 1."""
    return torch.linspace(1, 0, temperatures).flip(0)


def geometric(temperatures: int, hottest: float) -> Float[Tensor, " k"]:
    """Inverse temperatures from `hottest` up to 1, each the same multiple of the one before, float64.

    On an unbounded domain a replica at inverse temperature 0 would walk off for ever, so `hottest` must be above 0.
    """
    at_least(2, temperatures=temperatures)
    if not 0 < hottest <= 1:
        raise BadInput(f"hottest = {hottest}: give an inverse temperature above 0, at most 1")
    return torch.logspace(math.log10(hottest), 0, temperatures, dtype=torch.float64)


def exchange(
    energy: Float[Tensor, "k m"], betas: Float[Tensor, " k"], parity: int, rng: Rng
) -> tuple[Int[Tensor, "k m"], Bool[Tensor, "pairs m"]]:
    """Which replica each temperature has after neighbours, from the `parity`-th on, tried to change places; which of them did.

    It happens with probability min(1, exp((β' - β)(E' - E))), which leaves the product of all exp(-β E) as it is.
    """
    hotter = torch.arange(parity, len(betas) - 1, 2)
    gain = (betas.diff()[hotter, None] * (energy[hotter + 1] - energy[hotter])).exp()
    swapped = rng.uniform(*gain.shape) < gain
    order = torch.arange(len(betas))[:, None].repeat(1, energy.shape[1])
    order[hotter] += swapped.long()
    order[hotter + 1] -= swapped.long()
    return order, swapped


def swap(
    states: Float[Tensor, "k m d"], energy: Float[Tensor, "k m"], betas: Float[Tensor, " k"], parity: int, rng: Rng
) -> tuple[Float[Tensor, "k m d"], Bool[Tensor, "pairs m"]]:
    """The states after such an exchange, replicas being whole rows; and which pairs changed places."""
    order, swapped = exchange(energy, betas, parity, rng)
    return states.gather(0, order[:, :, None].expand_as(states)), swapped


class Tempering:
    """Replicas of a chain at several temperatures, `states` (k, m, d) at inverse temperatures `betas` (k,).

    `move(states, rng)` takes every replica one step of its own tempered chain and returns the states and their energies
    (k, m), nats at β = 1. After each move neighbours try to change places, even and odd pairs in turn. `turn` counts the
    moves.

    Source: Geyer 1991; for restricted Boltzmann machines, Desjardins et al., AISTATS 2010.
    """

    def __init__(self, betas: Float[Tensor, " k"], move: Move) -> None:
        self.betas, self.move, self.turn = betas, move, 0

    def step(self, states: Float[Tensor, "k m d"], rng: Rng) -> Float[Tensor, "k m d"]:
        states, energy = self.move(states, rng)
        parity = self.turn % 2
        self.turn += 1
        if parity + 1 < len(self.betas):
            states, _ = swap(states, energy, self.betas, parity, rng)
        return states


# ---------------------------------------------------------------- of any kernel


@dataclass(frozen=True)
class Replicas(Walk):
    """A step of `Tempered`. What a walk has is that of the coldest replica of each of `c` chains, after the swaps."""

    rungs: Any = None  # the `Walk` of all replicas, k · c of them, rung after rung, the coldest last
    swapped: Bool[Tensor, "pairs c"] = torch.empty(0, 0, dtype=torch.bool)  # rungs j and j + 1; False where none was tried
    tried: Bool[Tensor, " pairs"] = torch.empty(0, dtype=torch.bool)
    who: Int[Tensor, "k c"] = torch.empty(0, 0, dtype=torch.int64)  # the replica on each rung, named by where it began
    betas: Float[Tensor, " k"] = torch.empty(0)  # of the rungs
    turn: int = 0

    @property
    def states(self) -> Float[Tensor, "k c d"]:
        return self.rungs.x.view(*self.who.shape, -1)


@dataclass(frozen=True)
class Tempered:
    """Any kernel on a ladder: replicas at inverse temperatures `betas`, rising to 1, take a step each, then neighbours try to
    change places, even and odd pairs in turn. The coldest replica is the sample.

    Source: Swendsen & Wang, Physical Review Letters 1986; Geyer 1991.
    """

    kernel: Any  # with `beta`
    betas: Float[Tensor, " k"]
    goal: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        at_least(2, temperatures=len(self.betas))
        rising = bool((self.betas.diff() >= 0).all())  # NaN is neither
        if not rising or float(self.betas[0]) < 0 or float(self.betas[-1]) != 1.0:
            raise BadInput(f"betas = {self.betas.tolist()}: give inverse temperatures from 0 on that rise, the last of them 1")

    def begin(self, x: Float[Tensor, "c d"]) -> Replicas:
        k, c = len(self.betas), len(x)
        rungs = self.kernel.begin(x.repeat(k, 1))
        never, who = torch.zeros(k - 1, c, dtype=torch.bool), torch.arange(k)[:, None].expand(k, c)
        return self._top(rungs, never, never[:, 0], who, 0)

    def step(self, walk: Replicas, rng: Rng) -> Replicas:
        k, c = walk.who.shape
        rungs = replace(self.kernel, beta=self.betas.double().repeat_interleave(c)).step(walk.rungs, rng)
        parity = walk.turn % 2 if k > 2 else 0  # a single pair tries at every turn
        pairs = torch.zeros(k - 1, c, dtype=torch.bool)
        order, swapped = exchange(rungs.energy.view(k, c), self.betas.double(), parity, rng)
        pairs[parity::2] = swapped
        tried = torch.arange(k - 1) % 2 == parity
        rungs = rungs.at((order * c + torch.arange(c)).flatten())
        return self._top(rungs, pairs, tried, walk.who.gather(0, order), walk.turn + 1)

    def _top(self, rungs: Walk, swapped: Tensor, tried: Tensor, who: Tensor, turn: int) -> Replicas:
        k, c = who.shape
        top = rungs.at(torch.arange((k - 1) * c, k * c))
        own: dict[str, Any] = {name: getattr(top, name) for name in Walk.__dataclass_fields__}
        own["nfe"] = k * rungs.nfe
        return Replicas(**own, rungs=rungs, swapped=swapped, tried=tried, who=who, betas=self.betas, turn=turn)
