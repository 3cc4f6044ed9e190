"""The unadjusted Langevin algorithm: a step uphill and noise, never refused, never quite right."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.rng import Rng
from genviz.samplers.walk import Function, Walk, begin, guarded, positive, stride


@dataclass(frozen=True)
class Langevin:
    r"""x' = x - (eps²/2) β ∇U(x) + eps ξ, with ξ ~ N(0, I) and eps divided by √β as hotter chains stride farther.

    Its own invariant density differs from the target: of N(0, 1) the variance becomes 1/(1 - eps²/4), and from eps = 2 on it
    flies off. A step whose score is no number stays, and is counted as lost.

    Source: Parisi 1981; Roberts & Tweedie, Bernoulli 1996.
    """

    energy: Function
    score: Function
    eps: float = 0.15
    beta: Tensor | float = 1.0
    goal: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        positive(eps=self.eps)

    def begin(self, x: Float[Tensor, "c d"]) -> Walk:
        return begin(x, self.energy, self.score)

    def step(self, walk: Walk, rng: Rng) -> Walk:
        assert walk.score is not None
        y = propose(walk, self.eps, self.beta, rng)
        score, u = guarded(self.score, y), guarded(self.energy, y)
        wild = u.isnan() | (u == -torch.inf) | ~score.isfinite().all(1)
        return Walk(
            x=walk.x.where(wild[:, None], y),
            energy=walk.energy.where(wild, u),
            proposal=y,
            accepted=~wild,
            chance=(~wild).double(),
            lost=walk.lost + wild,
            nfe=1,
            score=walk.score.where(wild[:, None], score),
        )


def drift(score: Float[Tensor, "c d"], eps: float) -> Float[Tensor, "c d"]:
    """(eps²/2) ∇ log p(x): at inverse temperature β the slope is β times as steep, and eps²/β as long a step."""
    return eps**2 / 2 * score


def propose(walk: Walk, eps: float, beta: Tensor | float, rng: Rng) -> Float[Tensor, "c d"]:
    """Uphill, and noise."""
    assert walk.score is not None
    return walk.x + drift(walk.score, eps) + stride(eps, beta) * rng.normal_like(walk.x)
