"""Do samples visit every mode of a mixture, and in the right proportions? Distances to it that need no modes, too."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data import Mixture
from genviz.model import BadInput

NEAR = 3.0  # standard deviations from its mean within which a state belongs to a mode
COVERED = 0.2  # of its fair share makes a mode a visited one
BANDWIDTHS = (0.1, 0.2, 0.5, 1.0, 2.0)
SPLITS = 20  # disjoint parts whose spread tells the error of MMD²


def assign(x: Float[Tensor, "n d"], mixture: Mixture) -> Int[Tensor, " n"]:
    """The mode of each row: that of the nearest mean, or −1 for a row farther than three standard deviations from it.

    What lies between modes belongs to none: it is never counted as a visit. (n, d) -> (n,). A `BadInput` where the components
    of the mixture are no modes, as the points of a curve are not.
    """
    if not mixture.apart:
        raise BadInput(f"the {len(mixture.weights)} components of this mixture lie too near each other to be modes")
    k, far = mixture.nearest(x)
    return k.where(far <= NEAR, -1)


def high_quality(x: Float[Tensor, "n d"], mixture: Mixture) -> float:
    """HQ: the share of rows within three standard deviations of the nearest mean. See `perfect_quality` for the best."""
    return (mixture.nearest(x)[1] <= NEAR).double().mean().item()


def perfect_quality(d: int) -> float:
    """HQ of exact draws in d dimensions, not 1: P(χ²_d ≤ 9)."""
    return torch.special.gammainc(torch.tensor(d / 2.0, dtype=torch.float64), torch.tensor(NEAR**2 / 2)).item()


@dataclass(frozen=True)
class Visits:
    """Where `n` independent rows fell: `counts` (k,) into each mode, whose true weights are `weights`."""

    n: int
    counts: Int[Tensor, " k"]
    weights: Float[Tensor, " k"]

    @property
    def hq(self) -> float:
        return int(self.counts.sum()) / self.n

    @property
    def hq_se(self) -> float:
        """Standard error of `hq` for independent rows."""
        return math.sqrt(self.hq * (1 - self.hq) / self.n)

    @property
    def shares(self) -> Float[Tensor, " k"]:
        """p_k among the rows that fell into a mode; all 0 if none did."""
        return self.counts.double() / self.counts.sum().clamp(min=1)

    @property
    def tv(self) -> float:
        """Total variation ½ Σ |p_k − w_k|; ½ if no row fell into a mode."""
        return (self.shares - self.weights).abs().sum().item() / 2

    @property
    def floor(self) -> float:
        """The total variation that exact draws have, as many as fell into modes."""
        return tv_floor(self.weights, int(self.counts.sum()))

    @property
    def covered(self) -> int:
        """Modes with at least a fifth of their fair share of all rows."""
        return int((self.counts >= COVERED * self.n * self.weights).sum())


def visits(x: Float[Tensor, "n d"], mixture: Mixture) -> Visits:
    """Count the modes that independent rows fell into."""
    k = assign(x, mixture)
    return Visits(len(x), torch.bincount(k[k >= 0], minlength=len(mixture.weights)), mixture.weights)


def tv_floor(weights: Float[Tensor, " k"], n: float) -> float:
    """E TV of n exact draws: ½ Σ √(2 w_k (1 − w_k) / (π n)), for n so large that shares are normal."""
    return (2 * weights * (1 - weights) / (math.pi * max(n, 1))).sqrt().sum().item() / 2


def mmd(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> tuple[float, float]:
    """MMD² of two sets of independent rows and its standard error: an unbiased estimate, so noise may make it negative.

    The kernel is the mean of Gaussians with bandwidths 0.1, 0.2, 0.5, 1 and 2; the error is from twenty disjoint parts.
    Source: Gretton et al., *A kernel two-sample test*, JMLR 2012, eq. 3.
    """
    if min(len(x), len(y)) < 2 * SPLITS:
        raise BadInput(f"MMD² and its error need at least {2 * SPLITS} rows of each, these are {len(x)} and {len(y)}")
    parts = [_mmd(a, b) for a, b in zip(x.tensor_split(SPLITS), y.tensor_split(SPLITS), strict=True)]
    return _mmd(x, y), torch.tensor(parts).std().item() / math.sqrt(len(parts))


def _mmd(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> float:
    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squares = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
        return torch.stack([(-squares / (2 * h * h)).exp() for h in BANDWIDTHS]).mean(0)

    n, m = len(x), len(y)
    within = (kernel(x, x).sum() - n) / (n * (n - 1)) + (kernel(y, y).sum() - m) / (m * (m - 1))
    return (within - 2 * kernel(x, y).mean()).item()
