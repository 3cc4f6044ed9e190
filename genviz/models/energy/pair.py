"""Two neighbouring layers of a deep Boltzmann machine as a machine of their own, while it is built from the bottom up."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Pair:
    """A layer x (n, k) and the one above it, h (n, m), as a machine of their own. Middle layers will hear from both sides;
    until then what comes from the one side counts double: `up` is 2 unless h is the top, `down` is 2 unless x is v.

    Source: Salakhutdinov & Hinton, AISTATS 2009, section 3.1.
    """

    W: Tensor
    b: Tensor
    c: Tensor
    up: int
    down: int

    def rise(self, x: Float[Tensor, "n k"]) -> Float[Tensor, "n m"]:
        """p(h = 1|x)."""
        return torch.addmm(self.c, x, self.W, alpha=self.up).sigmoid()

    def fall(self, h: Float[Tensor, "n m"]) -> Float[Tensor, "n k"]:
        """p(x = 1|h)."""
        return torch.addmm(self.b, h, self.W.T, alpha=self.down).sigmoid()

    def climb(self, x0: Tensor, p0: Tensor, x: Tensor, p: Tensor, rate: float) -> None:
        """A step of contrastive divergence: up on data (x0, p0), down on their reconstruction. Of a middle layer, which
        learns as a plain machine of weights 2W, half of it."""
        by = 2 * rate / (self.up * self.down) / len(x0)
        self.W.addmm_(x0.T, p0, alpha=by).addmm_(x.T, p, alpha=-by)
        self.b.add_(x0.mean(0) - x.mean(0), alpha=rate)
        self.c.add_(p0.mean(0) - p.mean(0), alpha=rate)
