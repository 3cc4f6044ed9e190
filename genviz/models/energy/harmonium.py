"""Two layers of units with links between them only: the part that restricted, deep belief and deep Boltzmann machines share."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from genviz.models.energy.constant import Summable
from genviz.rng import Rng
from genviz.samplers.tempering import Tempering, ladder

LOG_S2 = (2 * math.log(0.07), 2 * math.log(1.4))  # a learned σ runs to 0 on few points, and away on many


class Harmonium(Summable, nn.Module):
    """E(v, h) = -b·v - c·h - v W h with bits v (n, d) and h (n, m), or ‖v - b‖²/2σ² - c·h - v W h/σ² with real v; nats.

    Mathematics alone: how either layer is drawn given the other, what is left when one is summed out, the statistics whose
    difference is the gradient, and the path to a flat distribution that tempering takes; its constant Z is `Summable`.

    Source: Smolensky 1986; Welling, Rosen-Zvi & Hinton, NIPS 2004.
    """

    def __init__(self, d: int, m: int, std: float = 0.01, sigma: float = 0.0, learn_sigma: bool = False) -> None:
        """First weights N(0, std²); `sigma` > 0 makes the visible units real."""
        super().__init__()
        self.W = nn.Parameter(std * torch.randn(d, m))
        self.b, self.c = nn.Parameter(torch.zeros(d)), nn.Parameter(torch.zeros(m))
        self.real, self.learn_sigma = sigma > 0, learn_sigma
        self.register_buffer("anchor", torch.zeros(d))
        if self.real:
            self.log_s2 = nn.Parameter(torch.tensor(2 * math.log(sigma)))
        self.requires_grad_(False)  # its gradients are differences of statistics

    @property
    def s2(self) -> Tensor | float:
        return self.log_s2.exp() if self.real else 1.0

    def start(self, mean: Float[Tensor, " d"]) -> None:
        """Biases at which independent bits have these means."""
        self.b.copy_(mean.clamp(0.01, 0.99).logit())
        self.anchor.copy_(mean.clamp(0.05, 0.95).logit())

    # ------------------------------------------------------------ one layer given the other

    def up(self, v: Float[Tensor, "n d"], W: Tensor | None = None) -> Float[Tensor, "n m"]:
        """The input of the hidden units: p(h=1|v) is its sigmoid."""
        W = self.W if W is None else W
        return self.c + v @ W / self.s2 if self.real else torch.addmm(self.c, v, W)

    def down(self, h: Float[Tensor, "n m"], W: Tensor | None = None) -> Float[Tensor, "n d"]:
        """The input of the visible units: `mean` of it is that of p(v|h)."""
        return torch.addmm(self.b, h, (self.W if W is None else W).T)

    def mean(self, down: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return down if self.real else down.sigmoid()

    def draw(self, mean: Float[Tensor, "n d"], rng: Rng) -> Float[Tensor, "n d"]:
        """v of that mean."""
        return mean + self.s2**0.5 * rng.normal_like(mean) if self.real else rng.coins(mean)

    def sweep(self, h: Float[Tensor, "n m"], rng: Rng, W: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """v ~ p(v|h), and p(h=1|v) of which the next h is to be drawn."""
        v = self.draw(self.mean(self.down(h, W)), rng)
        return v, self.up(v, W).sigmoid()

    def gibbs(
        self, v: Tensor | None, h: Tensor | None, rng: Rng, known: Tensor | None = None
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Endless sweeps h ~ p(h|v), v ~ p(v|h): v, its mean, h. First `v` itself, or one drawn from `h`; `known` values
        (d,), NaN where free, stay."""

        def held(x: Tensor) -> Tensor:
            return x if known is None else torch.where(known.isnan(), x, known)

        if v is not None:
            p, h = v, self.up(v).sigmoid()  # nothing has been drawn yet
        else:
            assert h is not None
            p = self.mean(self.down(h))
            v = self.draw(p, rng)
        while True:
            v, p = held(v), held(p)
            yield v, p, h
            h = rng.coins(self.up(v).sigmoid())
            p = self.mean(self.down(h))
            v = self.draw(p, rng)

    def uphill(
        self,
        v0: Float[Tensor, "n d"],
        p0: Float[Tensor, "n m"],
        v: Float[Tensor, "k d"],
        p: Float[Tensor, "k m"],
        decay: float = 0.0,
    ) -> list[Tensor]:
        """⟨v pᵀ⟩, ⟨v⟩ and ⟨p⟩ of data (v0, p0) less those of fantasies (v, p): the gradient of log p by W, b and c, times σ².

        Of W it is less `decay` · W. With a learned σ, last that by log σ², ⟨‖v - b‖²/2 - v W p⟩/σ² of both, at a tenth
        of the rate.
        """
        by_w = torch.addmm(self.W, v0.T, p0 / len(v0), beta=-decay).addmm_(v.T, p, alpha=-1 / len(v))
        uphill = [by_w, v0.mean(0) - v.mean(0), p0.mean(0) - p.mean(0)]
        if self.learn_sigma:
            known, dreamt = (((v - self.b).square() / 2 - p @ self.W.T * v).sum(1).mean() for v, p in ((v0, p0), (v, p)))
            uphill.append(0.1 * (known - dreamt) / self.s2)
        return uphill

    def climb(self, steps: list[Tensor]) -> None:
        """Add to W, b, c and, if σ is learned, log σ², which stays in its range."""
        for theta, step in zip(self.parameters(), steps, strict=False):
            theta += step
        if self.learn_sigma:
            self.log_s2.clamp_(*LOG_S2)

    # ------------------------------------------------------------ energies

    def reconstruct(self, v: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The mean of p(v|h) for h = p(h=1|v): up and down again, without noise."""
        return self.mean(self.down(self.up(v).sigmoid()))

    def energy(self, v: Float[Tensor, "n d"], h: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
        """E(v, h), nats."""
        return self.field(v) - (self.up(v) * h).sum(1)

    def free_energy(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """F(v) = -log Σ_h exp(-E(v, h)), nats."""
        return self.field(v) - softplus(self.up(v)).sum(1)

    def field(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """The energy of v alone: without hidden units, or with all of them off."""
        return (v - self.b).square().sum(1) / (2 * self.s2) if self.real else -(v @ self.b)

    def pseudo_likelihood(self, v: Float[Tensor, "n d"], rng: Rng, draws: int = 1) -> float:
        """d · log p(v_i | all other bits), the mean over `draws` bits i of each row, nats."""
        up, rows, found = self.up(v), torch.arange(len(v)), 0.0
        for _ in range(draws):
            i = rng.integers(0, v.shape[1], len(v))
            flip = 1 - 2 * v[rows, i]
            gain = flip * self.b[i] + (softplus(up + flip[:, None] * self.W[i]) - softplus(up)).sum(1)
            found += v.shape[1] * logsigmoid(-gain).mean().item() / draws
        return found

    # ------------------------------------------------------------ tempering

    def tempering(self, temperatures: int) -> Tempering:
        """Replicas of bits (v, h) side by side, (temperatures, chains, d + m), the coldest last: a sweep, then swaps."""
        betas, d = ladder(temperatures), len(self.b)

        def move(states: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
            h, beta = states[:, :, d:].flatten(0, 1), betas.repeat_interleave(states.shape[1])[:, None]
            v = rng.coins((beta * self.down(h)).sigmoid())
            h = rng.coins((beta * self.up(v)).sigmoid())
            return torch.cat([v, h], 1).view_as(states), self.energy(v, h).view(states.shape[:2])

        return Tempering(betas, move)

    def coldest(self, states: Float[Tensor, "k n dm"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n m"]]:
        """v of the replicas at inverse temperature 1, and p(h=1|v)."""
        v = states[-1, :, : len(self.b)]
        return v, self.up(v).sigmoid()

    # ------------------------------------------------------------ in the browser

    def programs(self, prefix: str) -> dict[str, list[list[Any]]]:
        """The client programs of bits, tensors below `prefix`: a sweep, the free energy, what a row says (docs/wire.md)."""
        W, b, c = (f"{prefix}.{name}" for name in "Wbc")
        hidden = [["linear", W, c, "T"], ["put", "input"], ["temper"], ["sigmoid"], ["bernoulli"], ["put", "h"]]
        visible = [["linear", W, b], ["temper"], ["sigmoid"], ["put", "p"], ["bernoulli"]]
        features = [["linear", W, c, "T"], ["softplus"], ["sum"], ["put", "features"], ["get", "x"], ["dot", b]]
        energy = [*features, ["add", "features"], ["affine", 0, -1]]
        says = [["put", "v"], ["linear", W, c, "T"], ["sigmoid"], ["put", "h"]]
        return {"gibbs": hidden + visible, "energy": energy, "says": says}
