"""Layers of bits with links between neighbours only: the mathematics of the deep Boltzmann machine, whatever it learns."""

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.special import entr

from genviz.errors import BadInput
from genviz.models.energy.alternating import Alternating, Layers
from genviz.models.energy.pair import Pair
from genviz.models.energy.played import layered
from genviz.rng import Rng

SURE = 1e-7  # a unit is never surer than that, where its logarithm is taken


def hidden(x: Layers) -> dict[str, Tensor]:
    """The hidden layers by name: h, h2, …"""
    return {"h" if i == 1 else f"h{i}": layer for i, layer in enumerate(x) if i}


class Deep(Alternating):
    """E(v, h1, h2, …) = −b·v − Σ c_i·h_i − v W1 h1 − h1 W2 h2 − …, in nats, for bits v (n, d) and h_i (n, m_i).

    `W[i − 1]` links the layers i − 1 and i; `b[0]` is b, `b[i]` is c_i. Given the even layers v, h2, … the odd ones are
    independent units, and the other way round: Gibbs sampling needs two blocks, and sums over all states a list of the odd
    layers alone (`Alternating`).

    Source: Salakhutdinov & Hinton, AISTATS 2009; Neural Computation 2012.
    """

    def __init__(self, sizes: Sequence[int], std: float = 0.01) -> None:
        """First weights N(0, std²), biases 0."""
        super().__init__()
        self.sizes, self.top = [*sizes], len(sizes) - 1
        self.W = nn.ParameterList(std * torch.randn(a, b) for a, b in pairwise(sizes))
        self.b = nn.ParameterList(torch.zeros(n) for n in sizes)
        self.register_buffer("anchor", torch.zeros(sizes[0]))
        self.even, self.odd = range(0, len(sizes), 2), range(1, len(sizes), 2)
        self.requires_grad_(False)  # its gradients are differences of statistics

    def start(self, mean: Float[Tensor, " d"]) -> None:
        """Biases at which independent pixels have these means; annealing starts there."""
        self.b[0].copy_(mean.clamp(0.01, 0.99).logit())
        self.anchor.copy_(mean.clamp(0.05, 0.95).logit())

    def pair(self, i: int, mean: Tensor | None = None) -> Pair:
        """The layers i − 1 and i alone; those below being done, the lower ones have a bias of their own, at their `mean`."""
        b = self.b[0] if mean is None else mean.clamp(0.05, 0.95).logit()
        return Pair(self.W[i - 1], b, self.b[i], 2 if i < self.top else 1, 2 if i > 1 else 1)

    # ------------------------------------------------------------ a layer given its neighbours

    def input(self, x: Layers, i: int, feedback: bool = True) -> Tensor:
        """c_i + h_{i−1} W_i + h_{i+1} W_{i+1}ᵀ: p(h_i = 1|the others) is its sigmoid. Without feedback nothing of the last."""
        if i == 0:
            return torch.addmm(self.b[0], x[1], self.W[0].T)
        below = torch.addmm(self.b[i], x[i - 1], self.W[i - 1])
        return below.addmm_(x[i + 1], self.W[i].T) if i < self.top and feedback else below

    def rise(self, v: Float[Tensor, "n d"], rng: Rng | None = None, layers: int | None = None) -> Layers:
        """One pass up with doubled weights, as each layer was taught alone: means, or with an `rng` bits; so many layers."""
        return self.further([v], rng, layers)

    def further(self, x: Layers, rng: Rng | None = None, layers: int | None = None) -> Layers:
        """The same pass, of which the first layers are known."""
        x = [*x]
        for i in range(len(x), (self.top if layers is None else layers) + 1):
            p = self.pair(i).rise(x[-1])
            x.append(p if rng is None else rng.coins(p))
        return x

    def begin(self, v: Float[Tensor, "n d"], rng: Rng) -> Layers:
        """Where a chain from `v` begins: one pass up, the even layers tossed, the odd ones as yet their means."""
        return [v, *(mean if i in self.odd else rng.coins(mean) for i, mean in enumerate(self.rise(v)) if i)]

    def sweep(self, x: Layers, rng: Rng, feedback: bool = True) -> tuple[Layers, Float[Tensor, "n d"]]:
        """The odd layers given the even ones, then these given those: the new state, and the mean of its v."""
        x, p = [*x], x[0]
        for i in (*self.odd, *self.even):
            mean = self.input(x, i, feedback).sigmoid()
            x[i], p = rng.coins(mean), mean if i == 0 else p
        return x, p

    def expected(self, x: Layers) -> Layers:
        """The odd layers as their means given the even ones: less noise than bits of the same law."""
        return [self.input(x, i).sigmoid() if i in self.odd else layer for i, layer in enumerate(x)]

    def gibbs(
        self, x: Layers, p: Tensor, rng: Rng, known: Tensor | None = None, feedback: bool = True
    ) -> Iterator[tuple[Layers, Tensor]]:
        """Endless sweeps, `x` and `p` first; `known` values (d,) of v, NaN where free, stay."""

        def held(v: Tensor) -> Tensor:
            return v if known is None else torch.where(known.isnan(), v, known)

        while True:
            x, p = [held(x[0]), *x[1:]], held(p)
            yield x, p
            x, p = self.sweep(x, rng, feedback)

    def climb(self, data: Layers, dreams: Layers, rate: float) -> None:
        """⟨h_{i−1} h_iᵀ⟩ and ⟨h_i⟩ of the data less those of the dreams: the gradient of log p, times the rate."""
        n, m = len(data[0]), len(dreams[0])
        for W, (below, above), (dreamt, over) in zip(self.W, pairwise(data), pairwise(dreams), strict=True):
            W.addmm_(below.T, above, alpha=rate / n).addmm_(dreamt.T, over, alpha=-rate / m)
        for b, known, dreamt in zip(self.b, data, dreams, strict=True):
            b.add_(known.mean(0) - dreamt.mean(0), alpha=rate)

    # ------------------------------------------------------------ mean field

    def settling(
        self, v: Float[Tensor, "n d"], missing: Tensor | None = None, top: Tensor | None = None, feedback: bool = True
    ) -> Iterator[Layers]:
        """The means of all layers, first after one pass up, then layer by layer until nobody asks for more.

        One after the other, never all at once: so the bound cannot fall. `missing` (d,) marks units of v that are inferred as
        well, `top` holds the highest layer.
        """
        below = torch.addmm(self.b[1], v, self.W[0])  # the dearest product, and of known v it never changes
        x = self.further([v, (2 * below - self.b[1]).sigmoid()])
        x = x if top is None else [*x[:-1], top]
        while True:
            yield x
            x = [*x]
            for i in range(1, self.top + (top is None)):
                if i > 1 or missing is not None:
                    a = self.input(x, i, feedback)
                else:
                    a = torch.addmm(below, x[2], self.W[1].T) if feedback else below
                x[i] = a.sigmoid()
            if missing is not None:
                x[0] = torch.where(missing, self.input(x, 0).sigmoid(), v)

    def settle(self, v: Float[Tensor, "n d"], rounds: int, tol: float = 0.0) -> Layers:
        """The means after so many rounds, or when none of them moves by more than `tol`."""
        states = self.settling(v)
        x = next(states)
        for _ in range(rounds):
            before, x = x, next(states)
            if tol and all((a - b).abs().max() <= tol for a, b in zip(x[1:], before[1:], strict=True)):
                break
        return x

    def energy(self, x: Layers) -> Float[Tensor, " n"]:
        """E(v, h1, h2, …), nats; of means, its mean."""
        alone = [layer @ b for layer, b in zip(x, self.b, strict=True)]
        return -torch.stack(
            [*alone, *(((low @ W) * high).sum(1) for W, (low, high) in zip(self.W, pairwise(x), strict=True))]
        ).sum(0)

    def free(self, x: Layers, missing: Tensor | None = None) -> Float[Tensor, " n"]:
        """⟨E⟩ − H of independent units with these means, those of v being known where not `missing`: minus the bound on
        log p(v), but for log Z, which it lacks; nats."""
        guessed = x[1:] if missing is None else [x[0][:, missing], *x[1:]]
        return self.energy(x) - sum((entr(mu) + entr(1 - mu)).sum(1) for mu in guessed)

    def weighed(self, mu: Layers, rng: Rng, k: int) -> Float[Tensor, " n"]:
        """log (1/k) Σ exp(−E(v, h)) / q(h) of `k` draws from independent units with these means, nats."""
        q, found = [layer.clamp(SURE, 1 - SURE) for layer in mu[1:]], []
        for _ in range(k):
            h = [rng.coins(p) for p in q]
            log_q = sum((bit * p.log() + (1 - bit) * (-p).log1p()).sum(1) for bit, p in zip(h, q, strict=True))
            found.append(-self.energy([mu[0], *h]) - log_q)
        return torch.stack(found).logsumexp(0) - math.log(k)

    def features(self, level: int) -> Float[Tensor, "k d"]:
        """What each unit of that layer adds to the input of v, were those between linear: a row of W1, W1 W2, …"""
        if not 1 <= level <= self.top:
            raise BadInput(f"level = {level}: this machine has hidden layers 1 … {self.top}")
        return reduce(torch.matmul, [*self.W][:level]).T

    def programs(self, prefix: str, rounds: int) -> dict[str, list[list[Any]]]:
        return layered(self, prefix, rounds)
