"""A mixture of Bernoullis fitted by EM: the baseline with an exact likelihood for binary pictures."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from genviz.rng import Rng


@dataclass(frozen=True)
class MixtureOfBernoullis:
    """p(x) = Σ_k w_k Π_d P_kd^x_d (1 - P_kd)^(1 - x_d), in float64."""

    log_weights: Float[Tensor, " k"]
    probs: Float[Tensor, "k d"]

    def log_joint(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """log w_k p(x|k), nats; `x` in float64."""
        off = (-self.probs).log1p()
        return self.log_weights + x @ (self.probs.log() - off).T + off.sum(1)

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """log p(x), exact, nats: (n, d) of 0 and 1 -> (n,)."""
        return self.log_joint(x.double()).logsumexp(1)


def fit(x: Float[Tensor, "n d"], k: int, rng: Rng, iterations: int = 40) -> MixtureOfBernoullis:
    """EM from P ~ U(0.25, 0.75) and equal weights, with half a pseudo-count on each pixel (Bishop 2006, §9.3.3)."""
    x = x.double()
    probs = 0.25 + 0.5 * rng.uniform(k, x.shape[1]).double()
    mixture = MixtureOfBernoullis(probs.new_full((k,), -math.log(k)), probs)
    for _ in range(iterations):
        share = mixture.log_joint(x).softmax(1)
        size = share.sum(0)
        probs = ((share.T @ x + 0.5) / (size[:, None] + 1)).clamp(1e-4, 1 - 1e-4)
        weights = size + 0.1
        mixture = MixtureOfBernoullis((weights / weights.sum()).log(), probs)
    return mixture
