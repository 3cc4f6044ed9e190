"""The Metropolis-adjusted Langevin algorithm: Langevin's step as a proposal, and the test that mends its error."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from genviz.rng import Rng
from genviz.samplers.langevin import drift, propose
from genviz.samplers.walk import Function, Walk, begin, decide, guarded, positive, stride


@dataclass(frozen=True)
class Mala:
    r"""y = x - (eps²/2) ∇U(x) + eps ξ, accepted as by Metropolis and Hastings, with

    .. math:: \log q(b|a) = -\lVert b - a + (eps^2/2) \nabla U(a) \rVert^2 / (2\, eps^2).

    Without the ratio of the two q it would be the unadjusted algorithm. Hotter chains as in `Langevin`.

    Source: Roberts & Tweedie, *Exponential convergence of Langevin distributions*, Bernoulli 1996.
    """

    energy: Function
    score: Function
    eps: float = 0.4
    beta: Tensor | float = 1.0
    goal: ClassVar[float] = 0.574

    def __post_init__(self) -> None:
        positive(eps=self.eps)

    def begin(self, x: Float[Tensor, "c d"]) -> Walk:
        return begin(x, self.energy, self.score)

    def log_q(self, b: Tensor, a: Tensor, score: Tensor) -> Float[Tensor, " c"]:
        """log q(b|a) up to a constant; `score` is that at a."""
        return -((b - a - drift(score, self.eps)) / stride(self.eps, self.beta)).square().sum(1) / 2

    def step(self, walk: Walk, rng: Rng) -> Walk:
        assert walk.score is not None
        y = propose(walk, self.eps, self.beta, rng)
        u, score = guarded(self.energy, y), guarded(self.score, y)
        back, forth = self.log_q(walk.x, y, score), self.log_q(y, walk.x, walk.score)
        return decide(walk, y, u, self.beta * (walk.energy - u) + back - forth, 1, rng, score)
