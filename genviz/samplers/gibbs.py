"""Gibbs sampling: each coordinate in turn is drawn anew from its own law, given all the others. Nothing is refused."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Mixture
from genviz.errors import BadInput
from genviz.rng import Rng
from genviz.samplers.walk import Function, Walk, begin


@dataclass(frozen=True)
class Sweep(Walk):
    """A sweep of Gibbs sampling, and where its chains stood after each coordinate."""

    path: Float[Tensor, "points c d"] = torch.empty(0, 0, 0)  # from the state before to the state after


def _swept(walk: Walk, energy: Tensor, path: list[Tensor]) -> Sweep:
    one = torch.ones_like(energy)
    return Sweep(path[-1], energy, path[-1], one.bool(), one, walk.lost, len(path) - 1, None, torch.stack(path))


@dataclass(frozen=True)
class Conditionals:
    """Coordinates of a mixture of Gaussians, in order: x_i given all others is a mixture in one dimension, drawn exactly.

    Only at temperature 1: a power of a mixture is none.

    Source: Geman & Geman, *Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images*, 1984.
    """

    law: Mixture
    beta: Tensor | float = 1.0
    goal: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        if bool((torch.as_tensor(self.beta) != 1).any()):
            raise BadInput("beta: the conditionals of a tempered mixture have no closed form; temper mh, mala or hmc")

    def begin(self, x: Float[Tensor, "c d"]) -> Sweep:
        walk = begin(x, lambda rows: -self.law.log_prob(rows))
        return Sweep(**vars(walk), path=walk.x[None])

    def step(self, walk: Walk, rng: Rng) -> Sweep:
        x, path = walk.x, [walk.x]
        for i in range(x.shape[1]):
            log_w, mean, std = self.law.given(x, i)
            noise = rng.uniform_like(log_w)
            k = (log_w - (-noise.log()).log()).argmax(1, keepdim=True)  # a component, by Gumbel's trick
            drawn = mean.gather(1, k) + std[k] * rng.normal_like(mean[:, :1])
            x = x.index_copy(1, torch.tensor([i]), drawn)
            path.append(x)
        return _swept(walk, -self.law.log_prob(x), path)


@dataclass(frozen=True)
class Coins:
    """Bits 0 or 1 of any energy, one after the other: each falls by p(x_i = 1 | others) = σ(β (U(x_i = 0) - U(x_i = 1))).

    Energies may be a formula, or looked up in a list of all states.

    Source: Glauber 1963; Geman & Geman 1984.
    """

    energy: Function
    beta: Tensor | float = 1.0
    goal: ClassVar[float] = 0.0

    def begin(self, x: Float[Tensor, "c d"]) -> Sweep:
        walk = begin(x, self.energy)
        return Sweep(**vars(walk), path=walk.x[None])

    def step(self, walk: Walk, rng: Rng) -> Sweep:
        x, u, path = walk.x, walk.energy, [walk.x]
        for i in range(x.shape[1]):
            y = x.clone()
            y[:, i] = 1 - y[:, i]
            v = self.energy(y).double()
            turn = rng.uniform_like(u) < (self.beta * (u - v)).sigmoid()
            x, u = y.where(turn[:, None], x), v.where(turn, u)
            path.append(x)
        return _swept(walk, u, path)
