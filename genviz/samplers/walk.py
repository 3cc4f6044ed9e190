"""What every kernel shares: where its chains stand, what was proposed, and the test that decides.

A kernel is a frozen dataclass with an `energy` U in nats, `begin(x)` and `step(walk, rng)`; its invariant density is
exp(-β U(x)) for each chain's inverse temperature β. All is float64: a sharp target's differences of energy are small beside it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from genviz.errors import BadInput
from genviz.rng import Rng

ALONG = ("path", "momentum")  # what a walk holds of every point on its way: the chains are their second axis
Function = Callable[[Tensor], Tensor]  # of rows (c, d): an energy (c,), or a score (c, d), the slope of -U


@dataclass(frozen=True)
class Walk:
    """Where `c` independent chains stand after a step, and how they came there."""

    x: Float[Tensor, "c d"]
    energy: Float[Tensor, " c"]  # U(x), nats, whatever the temperature
    proposal: Float[Tensor, "c d"]  # where the step wanted to go
    accepted: Bool[Tensor, " c"]  # whether it did; else x stands where it stood, and counts again
    chance: Float[Tensor, " c"]  # the probability of acceptance
    lost: Int[Tensor, " c"]  # proposals so far whose energy is no number: all of them rejected
    nfe: int = 0  # evaluations of energy or score that the step took, a chain
    score: Tensor | None = None  # (c, d) at x, of kernels that need it: evaluated once

    def at(self, order: Int[Tensor, " n"]) -> Self:
        """Some of the chains, or all of them in another order."""
        of = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{name: value[:, order] if name in ALONG else value[order] for name, value in of.items()})


class Kernel(Protocol):
    goal: ClassVar[float]  # the acceptance that `tuned` aims at; 0: there is nothing to tune

    def begin(self, x: Float[Tensor, "c d"]) -> Walk: ...
    def step(self, walk: Any, rng: Rng) -> Walk: ...


def positive(**sizes: Tensor | float) -> None:
    """A `BadInput` names the first that is not above 0."""
    for name, size in sizes.items():
        if not bool((torch.as_tensor(size) > 0).all()):
            raise BadInput(f"{name} = {size}: give a number above 0")


def at_least(low: int, **counts: int) -> None:
    for name, count in counts.items():
        if count < low:
            raise BadInput(f"{name} = {count}: give a whole number from {low} on")


def guarded(f: Function, x: Float[Tensor, "c d"]) -> Tensor:
    """`f` of the rows, asked only where they are finite; NaN for the others."""
    if bool(x.isfinite().all()):
        return f(x)
    good = x.isfinite().all(1)
    found = f(x.where(good[:, None], torch.zeros_like(x)))
    return found.masked_fill(~good.view(-1, *[1] * (found.ndim - 1)), math.nan)


def begin(x: Float[Tensor, "c d"], energy: Function, score: Function | None = None) -> Walk:
    """Chains that stand at `x`; a `BadInput` names a row where the target is no number, or 0."""
    if not len(x):
        raise BadInput("start has no rows: give one for each chain")
    x = x.double()
    u = guarded(energy, x).double()
    if len(bad := (~u.isfinite()).nonzero().flatten()):
        row = int(bad[0])
        what = "is 0 (log p = -inf)" if bool(u[row] == math.inf) else "is not a number"
        raise BadInput(f"start, row {row}: the target {what} there; begin where it is positive")
    one = torch.ones_like(u)
    slope = None if score is None else score(x).double()
    return Walk(x, u, x, one.bool(), one, torch.zeros(len(x), dtype=torch.int64), 0, slope)


def decide(
    walk: Walk,
    proposal: Float[Tensor, "c d"],
    energy: Float[Tensor, " c"],
    log_ratio: Float[Tensor, " c"],
    nfe: int,
    rng: Rng,
    score: Tensor | None = None,
) -> Walk:
    """The test of Metropolis and Hastings: go with probability min(1, exp(log_ratio)), else stay and count again.

    An energy that is no number, or -inf, is never gone to; such proposals are counted in `lost`.
    """
    wild = energy.isnan() | (energy == -math.inf) | log_ratio.isnan()
    log_ratio = log_ratio.masked_fill(wild, -math.inf)
    go = rng.uniform_like(energy).log() < log_ratio
    return Walk(
        x=proposal.where(go[:, None], walk.x),
        energy=energy.where(go, walk.energy),
        proposal=proposal,
        accepted=go,
        chance=log_ratio.clamp(max=0).exp(),
        lost=walk.lost + wild,
        nfe=nfe,
        score=None if score is None or walk.score is None else score.where(go[:, None], walk.score),
    )


def column(value: Tensor | float) -> Tensor | float:
    """A number for each chain as a column beside their rows."""
    return value[:, None] if isinstance(value, Tensor) and value.ndim == 1 else value


def stride(eps: float, beta: Tensor | float) -> Tensor | float:
    """eps / √β: hotter chains go farther."""
    return eps / column(torch.as_tensor(beta, dtype=torch.float64).sqrt())


def run(kernel: Any, x: Float[Tensor, "c d"], rng: Rng, burn: int = 0, adapt: bool = False) -> Iterator[Any]:
    """Where the chains stand at first, after `burn` steps, and after each further step; endless.

    With `adapt` eps is tuned in these first steps alone, then frozen: a kernel that goes on changing leaves nothing invariant.
    """
    walk = kernel.begin(x)
    if burn and adapt and kernel.goal:
        kernel, walk = tuned(kernel, walk, rng, burn)
    else:
        for _ in range(burn):
            walk = kernel.step(walk, rng)
    while True:
        yield walk
        walk = kernel.step(walk, rng)


def tuned(kernel: Any, walk: Walk, rng: Rng, steps: int) -> tuple[Any, Walk]:
    """The kernel with an eps whose mean acceptance is near its `goal`, and where its chains stand then.

    log eps ← log eps + (acceptance - goal) / t^0.6 (Robbins & Monro 1951); the answer is the mean over the second half.
    """
    log_eps, kept = math.log(kernel.eps), []
    for t in range(1, steps + 1):
        walk = kernel.step(walk, rng)
        log_eps += (walk.chance.mean().item() - kernel.goal) / t**0.6
        kept.append(log_eps)
        kernel = replace(kernel, eps=math.exp(log_eps))
    half = kept[len(kept) // 2 :]
    return replace(kernel, eps=math.exp(sum(half) / len(half))), walk
