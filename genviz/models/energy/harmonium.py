"""Two layers of units with links between them only: the part that restricted, deep belief and deep Boltzmann machines share."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from genviz.errors import BadInput
from genviz.metrics.partition import halves, softplus_sums
from genviz.rng import Rng
from genviz.samplers.tempering import Tempering, ladder

LOG_2PI = math.log(2 * math.pi)
LOG_S2 = (2 * math.log(0.07), 2 * math.log(1.4))  # a learned σ runs to 0 on few points, and away on many
COMPONENTS = 12  # hidden units whose states are worth a look one by one


class Harmonium(nn.Module):
    """E(v, h) = -b·v - c·h - v W h with bits v (n, d) and h (n, m), or ‖v - b‖²/2σ² - c·h - v W h/σ² with real v; nats.

    Mathematics alone: how either layer is drawn given the other, what is left when one is summed out, the statistics whose
    difference is the gradient, and the two paths to a flat distribution that tempering and annealing take. A class of
    `metrics.partition` by its methods: its hidden layer, or its visible one if that is smaller, can be listed and annealed.

    Source: Smolensky 1986; Welling, Rosen-Zvi & Hinton, NIPS 2004.
    """

    anchor: Tensor  # (d,) biases of the independent units that annealing starts from

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

    # ------------------------------------------------------------ the constant Z: `metrics.partition` asks for these

    @property
    def lists_hidden(self) -> bool:
        return self.real or self.W.shape[1] <= self.W.shape[0]

    @property
    def listed(self) -> int:
        return self.W.shape[int(self.lists_hidden)]

    def log_terms(self, high: Float[Tensor, "k m"], low: Float[Tensor, "l m"]) -> Float[Tensor, "k l"]:
        """log Σ exp(-E) over the other layer, for every state high + low of the listed one."""
        W, c, b = (self.W, self.c, self.b) if self.lists_hidden else (self.W.T, self.b, self.c)
        W, c, b = W.double(), c.double(), b.double()
        alone, a, g = (high @ c)[:, None] + low @ c, b + high @ W.T, low @ W.T
        if not self.real:
            return alone + softplus_sums(a, g)
        s2, square = self.log_s2.double().exp(), a.square().sum(1)[:, None] + 2 * a @ g.T + g.square().sum(1)
        return alone + (square - b @ b) / (2 * s2) + len(b) / 2 * (LOG_2PI + s2.log())

    def draw_exactly(self, n: int, rng: Rng) -> Float[Tensor, "n m"]:
        """`n` independent h ~ p(h), by listing the smaller layer."""
        high, low = halves(self.listed)
        index = rng.categorical(self.log_terms(high, low).flatten().softmax(0), n)
        states = (high[index // len(low)] + low[index % len(low)]).to(self.W.dtype)
        return states if self.lists_hidden else rng.coins(self.up(states).sigmoid())

    def hidden_states(self) -> tuple[Float[Tensor, " k"], Float[Tensor, "k m"]]:
        """p(h) of every state of the hidden layer, and the states."""
        if not self.lists_hidden or len(self.c) > COMPONENTS:
            most = COMPONENTS if self.real else min(COMPONENTS, len(self.b))
            raise BadInput(f"a mixture of 2^{len(self.c)} components is too much to see: take at most {most} hidden units")
        high, low = halves(len(self.c))
        states = (high[:, None] + low).flatten(0, 1).to(self.W.dtype)
        return self.log_terms(high, low).flatten().softmax(0).to(self.W.dtype), states

    def base(self, n: int, rng: Rng) -> tuple[Tensor, float]:
        """Independent units of bias `anchor` (real: b), and hidden ones that are coins."""
        bias = self.b if self.real else self.anchor
        log_z = len(bias) / 2 * (LOG_2PI + self.log_s2) if self.real else softplus(bias.double()).sum()
        return self.draw(self.mean(bias.expand(n, -1)), rng), float(log_z) + len(self.c) * math.log(2)

    def log_f(self, v: Float[Tensor, "n d"], betas: Float[Tensor, " k"]) -> Float[Tensor, "k n"]:
        """(1-β)(anchor·v) - β field(v) + Σ softplus(β up(v))."""
        hidden = softplus(betas[:, None, None] * self.up(v).double()).sum(2)
        far = v @ self.anchor if not self.real else -self.field(v)
        return torch.outer(1 - betas, far.double()) - torch.outer(betas, self.field(v).double()) + hidden

    def anneal(self, v: Float[Tensor, "n d"], beta: float, rng: Rng) -> Float[Tensor, "n d"]:
        h = rng.coins((beta * self.up(v)).sigmoid())
        bias = self.b if self.real else self.anchor
        return self.draw(self.mean((1 - beta) * bias + beta * self.down(h)), rng)

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
        """The client programs of bits, tensors below `prefix`: a Gibbs sweep, and the free energy (docs/wire.md)."""
        W, b, c = (f"{prefix}.{name}" for name in "Wbc")
        hidden = [["linear", W, c, "T"], ["put", "input"], ["temper"], ["sigmoid"], ["bernoulli"], ["put", "h"]]
        visible = [["linear", W, b], ["temper"], ["sigmoid"], ["put", "p"], ["bernoulli"]]
        features = [["linear", W, c, "T"], ["softplus"], ["sum"], ["put", "features"], ["get", "x"], ["dot", b]]
        return {"gibbs": hidden + visible, "energy": [*features, ["add", "features"], ["affine", 0, -1]]}
