"""Likelihood of models with a code: bounds by importance sampling, and the exact answer by a sum over a grid of codes."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Normal

from genviz.model import BadInput, Bounds, Encodes, LogJoints, Support
from genviz.rng import Rng

LEVELS = 256  # of a grey pixel
FLOATS = 2**20  # in the largest tensor of a sum over codes, so that a look costs a few megabytes


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


def null(x: Float[Tensor, "n d"], support: Support) -> float:
    """What a model that knows only the overall mean and variance of the rows reaches on them, nats a row: an isotropic
    Gaussian (of grey values: the probability of one of 256 levels), or a coin for every bit."""
    d, mean = x.shape[1], x.double().mean()
    if support == "binary":
        return -d * (torch.special.entr(mean) + torch.special.entr(1 - mean)).item()
    density = -d / 2 * math.log(2 * math.pi * math.e * max((x.double() - mean).square().mean().item(), 1e-12))
    return density - (d * math.log(LEVELS - 1) if support == "unit" else 0.0)


def independent(x: Float[Tensor, "n d"]) -> float:
    """The mean log-likelihood of rows of bits, nats, if bits know nothing of each other and are as often on as in these."""
    on = x.double().mean(0)
    return -(torch.special.entr(on) + torch.special.entr(1 - on)).sum().item()


def grey_level(law: Normal, x: Float[Tensor, "n d"], width: float) -> Float[Tensor, "n d"]:
    """log of the probability that `law` gives to the interval of that width round x; those at −1 and 1 have no outer end."""
    mean, std = law.loc.double(), law.scale.double()
    high, low = (x + width / 2).where(x < 1 - width / 2, math.inf), (x - width / 2).where(x > width / 2 - 1, -math.inf)
    a, b = (high - mean) / std, (low - mean) / std
    sign = torch.where(a + b > 0, -1.0, 1.0).nan_to_num()  # in the lower tail, where differences are not rounded away
    mass = (torch.special.ndtr(sign * a) - torch.special.ndtr(sign * b)).abs()
    return mass.clamp(min=1e-300).log().to(x.dtype)


# ---------------------------------------------------------------- exact, for codes of one or two dimensions


@dataclass(frozen=True)
class Grid:
    """`side` codes along each of one or two dimensions, evenly from `low` to `high`; a `BadInput` for more dimensions."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    side: int

    def __post_init__(self) -> None:
        if len(self.low) not in (1, 2):
            raise BadInput(f"a grid over codes needs 1 or 2 dimensions, this model's code has {len(self.low)}")

    @property
    def codes(self) -> Float[Tensor, "m k"]:
        """All codes (sideᵏ, k); the first coordinate runs fastest, as x does in a picture."""
        lines = [torch.linspace(a, b, self.side) for a, b in zip(self.low, self.high, strict=True)]
        return torch.cartesian_prod(*reversed(lines)).reshape(-1, len(lines)).flip(1)

    @property
    def cell(self) -> float:
        """The log-volume that one code stands for."""
        return sum(math.log((b - a) / (self.side - 1)) for a, b in zip(self.low, self.high, strict=True))


def lattice(dims: int, side: int = 200, span: float = 6.0) -> Grid:
    """All codes that a standard normal prior thinks possible."""
    return Grid((-span,) * dims, (span,) * dims, side)


def window(q: Normal, side: int, spread: float) -> Grid:
    """Codes within `spread` standard deviations of the guess for one row: `q` has batch shape (1, k)."""
    mean, reach = q.mean[0].double(), spread * q.stddev[0].double()
    return Grid(tuple((mean - reach).tolist()), tuple((mean + reach).tolist()), side)


@dataclass(frozen=True)
class OnGrid:
    """`log_joint` (n, m): log p(x_i, z_j) of some rows with every code of a grid; what follows from it, in nats.

    Exact where the grid holds the posterior and is finer than it.
    """

    grid: Grid
    log_joint: Float[Tensor, "n m"]

    @cached_property
    def log_prob(self) -> Float[Tensor, " n"]:
        """log p(x): the joint summed over the codes."""
        return self.log_joint.logsumexp(1) + self.grid.cell

    @property
    def log_posterior(self) -> Float[Tensor, "n m"]:
        """log p(z|x), a density over codes."""
        return self.log_joint - self.log_prob[:, None]

    def kl(self, q: Distribution) -> Float[Tensor, " n"]:
        """KL(q(z|x) ‖ p(z|x)) of guesses of batch shape (n, k), integrated: the gap between log p(x) and the bound."""
        some = max(1, FLOATS // len(self.log_joint))
        log_q = torch.cat([q.log_prob(z[:, None]).sum(2) for z in self.grid.codes.split(some)]).T
        return (log_q.exp() * (log_q - self.log_posterior)).sum(1) * math.exp(self.grid.cell)


@torch.no_grad()
def on_grid(model: HasJoint, x: Float[Tensor, "n d"], grid: Grid) -> OnGrid:
    """Rows with every code of a grid, some codes at a time: a decoder makes rows of d and hidden layers about as wide."""
    some = max(1, FLOATS // max(*x.shape, 256))
    return OnGrid(grid, torch.cat([model.log_joint(x, z) for z in grid.codes.split(some)], 1))


# ---------------------------------------------------------------- from samples alone

WIDTHS = tuple(0.05 * 12 ** (i / 13) for i in range(14))  # of Parzen windows: 0.05 … 0.6, evenly in their logarithm


@dataclass(frozen=True)
class Parzen:
    """What a kernel density of `n` samples of this `bandwidth` finds rows worth, nats; never to be told without both."""

    found: Estimate
    bandwidth: float
    n: int


def parzen(
    samples: Float[Tensor, "n d"], x: Float[Tensor, "m d"], bandwidth: float = 0.0, held_out: Tensor | None = None
) -> Parzen:
    """The mean over rows of log (1/n) Σ N(x; sample, h²I): misleading in many dimensions, as it depends on h and on n, and
    blurred samples, or rows learned by heart, may score above the truth. Show that of as many real rows beside it.

    Without a `bandwidth` h is the best of 14 from 0.05 to 0.6 on `held_out` (k, d), rows that are neither. Source: Breuleux,
    Bengio & Vincent, Neural Computation 2011.
    """
    if not len(samples) or bandwidth < 0 or (bandwidth == 0 and held_out is None):
        raise BadInput("a Parzen estimate needs samples, and a bandwidth or held-out rows to choose one by")
    h = bandwidth
    if held_out is not None and bandwidth == 0:
        squares = _squares(held_out, samples)
        h = max(WIDTHS, key=lambda width: _windows(squares, width, x.shape[1]).mean().item())
    return Parzen(estimate(_windows(_squares(x, samples), h, x.shape[1])), h, len(samples))


def _squares(x: Float[Tensor, "m d"], samples: Float[Tensor, "n d"]) -> Float[Tensor, "m n"]:
    return torch.cat([torch.cdist(rows, samples).square() for rows in x.split(500)])


def _windows(squares: Float[Tensor, "m n"], h: float, d: int) -> Float[Tensor, " m"]:
    return (-squares / (2 * h * h)).logsumexp(1) - math.log(squares.shape[1]) - d / 2 * math.log(2 * math.pi * h * h)
