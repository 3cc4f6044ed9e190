"""Metropolis-Hastings: propose, test, and stay where the test fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.rng import Rng
from genviz.samplers.walk import Function, Walk, begin, decide, guarded, positive, stride

Propose = Callable[[Tensor, Rng], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Metropolis:
    r"""Proposals y from q(y|x), by default x + eps ξ / √β with ξ ~ N(0, I), taken with probability

    .. math:: \min(1, e^{\beta (U(x) - U(y))}\, q(x|y) / q(y|x)).

    `propose(x, rng)` gives y (c, d) and log q(x|y) - log q(y|x) (c,). Hotter chains, of smaller `beta`, stride farther.

    Source: Metropolis et al. 1953; Hastings 1970.
    """

    energy: Function
    eps: float = 0.5
    beta: Tensor | float = 1.0
    propose: Propose | None = None
    goal: ClassVar[float] = 0.234

    def __post_init__(self) -> None:
        positive(eps=self.eps)

    def begin(self, x: Float[Tensor, "c d"]) -> Walk:
        return begin(x, self.energy)

    def step(self, walk: Walk, rng: Rng) -> Walk:
        if self.propose is None:
            y, correction = walk.x + stride(self.eps, self.beta) * rng.normal_like(walk.x), 0.0
        else:
            y, correction = self.propose(walk.x, rng)
        u = guarded(self.energy, y)
        return decide(walk, y, u, self.beta * (walk.energy - u) + correction, 1, rng)


def flip(x: Float[Tensor, "c d"], rng: Rng) -> tuple[Tensor, Tensor]:
    """A proposal for bits 0 or 1: one of them, the other way round. It is as likely as its undoing."""
    at = torch.nn.functional.one_hot(rng.integers(0, x.shape[1], len(x)), x.shape[1])
    return (x - at).abs(), x.new_zeros(len(x))
