"""Likelihood of models with a code: bounds by importance sampling, and the exact answer by a sum over a grid of codes."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.model import BadInput, Bounds, Encodes, LogJoints
from genviz.rng import Rng

ROWS = 2**22  # pairs (row, code) evaluated at once: 16 MB of float32


@runtime_checkable
class HasJoint(Encodes, LogJoints, Protocol):
    """A model with codes whose log p(x, z) can be evaluated for any pair."""


@dataclass(frozen=True)
class Estimate:
    """A mean over rows with its standard error (from the spread of the rows), and the rows (n,); nats."""

    mean: float
    se: float
    rows: Tensor


def estimate(rows: Float[Tensor, " n"]) -> Estimate:
    return Estimate(rows.mean().item(), rows.std().item() / len(rows) ** 0.5 if len(rows) > 1 else 0.0, rows)


@torch.no_grad()
def importance_bound(model: Bounds, x: Float[Tensor, "n d"], rng: Rng, k: int = 500, chunk: int = 500) -> Estimate:
    """log (1/k) Σ p(x, z)/q(z|x) for each row, `chunk` rows at a time: at most log p(x) in expectation, nats.

    Source: Burda, Grosse & Salakhutdinov, ICLR 2016, eq. 8. k = 1 is the evidence lower bound.
    """
    return estimate(torch.cat([model.bound(rows, rng, k) for rows in x.split(chunk)]))


# ---------------------------------------------------------------- exact, for codes of one or two dimensions


def lattice(dims: int, side: int = 200, span: float = 6.0) -> Float[Tensor, "m k"]:
    """`side`ᵏ codes over [-span, span]ᵏ; the first coordinate runs fastest, as x does in a picture."""
    if dims not in (1, 2):
        raise BadInput(f"a grid over codes needs 1 or 2 dimensions, this model's code has {dims}")
    line = torch.linspace(-span, span, side)
    return line[:, None] if dims == 1 else torch.cartesian_prod(line, line).flip(1)


def _joint(model: HasJoint, x: Tensor, side: int, span: float) -> tuple[Tensor, Tensor, float]:
    """The codes (m, k), log p(x, z) at each (n, m), and the log-volume of a cell."""
    z = lattice(model.encode(x[:1]).mean.shape[1], side, span)
    values = torch.cat([model.log_joint(x, codes) for codes in z.split(max(1, ROWS // max(1, len(x))))], 1)
    return z, values, z.shape[1] * math.log(2 * span / (side - 1))


@torch.no_grad()
def grid_log_prob(model: HasJoint, x: Float[Tensor, "n d"], side: int = 200, span: float = 6.0) -> Float[Tensor, " n"]:
    """log p(x) by a sum over a grid of codes, nats: exact where the cells are narrower than the posterior."""
    _, values, cell = _joint(model, x, side, span)
    return values.logsumexp(1) + cell


@torch.no_grad()
def grid_posterior(model: HasJoint, x: Float[Tensor, "1 d"], side: int = 200, span: float = 6.0) -> Tensor:
    """The density p(z|x) of one row on the grid: (side,), or (side, side) with row 0 at the bottom."""
    z, values, cell = _joint(model, x, side, span)
    return (values[0] - values[0].logsumexp(0) - cell).exp().unflatten(0, [side] * z.shape[1])


@torch.no_grad()
def kl_to_grid(model: HasJoint, x: Float[Tensor, "n d"], side: int = 200, span: float = 6.0) -> Float[Tensor, " n"]:
    """KL(q(z|x) ‖ p(z|x)) integrated on the grid, nats: the exact gap between log p(x) and the bound."""
    z, values, cell = _joint(model, x, side, span)
    log_p = values - values.logsumexp(1, keepdim=True) - cell
    log_q = torch.cat([model.encode(x).log_prob(codes).sum(2) for codes in z[:, None].split(10_000)]).T
    return (log_q.exp() * (log_q - log_p)).sum(1) * math.exp(cell)
