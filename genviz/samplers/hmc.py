"""Hamiltonian Monte Carlo: a push, a frictionless slide over the landscape, and a test for what the slide got wrong."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from genviz.rng import Rng
from genviz.samplers.walk import Function, Walk, at_least, begin, column, decide, guarded, positive, stride

DIVERGED = 1000.0  # nats of energy error, from which on an orbit has nothing to do with the target
JITTER = 0.1  # eps varies by as much from step to step, so that no orbit closes again and again


@dataclass(frozen=True)
class Slide(Walk):
    """A step of `Hamiltonian`: the orbits too, and what their energy was off by at the end."""

    path: Float[Tensor, "points c d"] = torch.empty(0, 0, 0)  # from where they stood to the proposal, L + 1 points
    momentum: Float[Tensor, "points c d"] = torch.empty(0, 0, 0)  # at these points
    error: Float[Tensor, " c"] = torch.empty(0)  # H at the end less H at the start, nats
    diverged: Bool[Tensor, " c"] = torch.empty(0, dtype=torch.bool)  # rejected as |error| > 1000, or no number
    divergences: Tensor = torch.empty(0)  # (c,): how many so far


@dataclass(frozen=True)
class Hamiltonian:
    r"""Momenta p ~ N(0, I), `leapfrog` steps of size eps along the orbit of H = U(x) + ‖p‖²/2, then accept with probability
    min(1, exp(H₀ - H₁)).

    The leapfrog is reversible, preserves volume, and its error in H is of order eps². An orbit off by more than 1000 nats has
    diverged: it is rejected and counted. eps is divided by √β for hotter chains, whose H is βU + ‖p‖²/2.

    Source: Duane, Kennedy, Pendleton & Roweth, Physics Letters B 1987; Neal, *MCMC using Hamiltonian dynamics*, 2010.
    """

    energy: Function
    score: Function
    eps: float = 0.15
    leapfrog: int = 20
    beta: Tensor | float = 1.0
    jitter: float = JITTER
    goal: ClassVar[float] = 0.7

    def __post_init__(self) -> None:
        positive(eps=self.eps)
        at_least(1, leapfrog=self.leapfrog)

    def begin(self, x: Float[Tensor, "c d"]) -> Slide:
        walk = begin(x, self.energy, self.score)
        never = torch.zeros(len(x), dtype=torch.float64)
        still = torch.zeros_like(walk.x)[None]
        return Slide(**vars(walk), path=walk.x[None], momentum=still, error=never, diverged=never.bool(), divergences=never)

    def orbit(
        self, x: Float[Tensor, "c d"], p: Float[Tensor, "c d"], score: Float[Tensor, "c d"], eps: Tensor | float
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Points and momenta of the leapfrog from x and p, `score` being that at x; and the score at the end."""
        points, momenta = [x], [p]
        for _ in range(self.leapfrog):
            half = p + eps / 2 * column(self.beta) * score
            x = x + eps * half
            score = guarded(self.score, x)
            p = half + eps / 2 * column(self.beta) * score
            points.append(x)
            momenta.append(p)
        return points, momenta, score

    def total(self, u: Tensor, p: Tensor) -> Float[Tensor, " c"]:
        """H = βU + ‖p‖²/2."""
        return self.beta * u + p.square().sum(1) / 2

    def step(self, walk: Slide, rng: Rng) -> Slide:
        assert walk.score is not None
        shaken = 1 + self.jitter * (2 * rng.uniform_like(walk.x[:, :1]) - 1)
        p = rng.normal_like(walk.x)
        points, momenta, score = self.orbit(walk.x, p, walk.score, stride(self.eps, self.beta) * shaken)
        y = points[-1]
        u = guarded(self.energy, y)
        error = self.total(u, momenta[-1]) - self.total(walk.energy, p)
        diverged = ~(error.abs() <= DIVERGED)  # NaN as well
        log_ratio = (-error).masked_fill(diverged, -torch.inf)
        after = decide(walk, y, u, log_ratio, self.leapfrog, rng, score)
        return Slide(
            **{name: getattr(after, name) for name in Walk.__dataclass_fields__},
            path=torch.stack(points),
            momentum=torch.stack(momenta),
            error=error,
            diverged=diverged,
            divergences=walk.divergences + diverged,
        )
