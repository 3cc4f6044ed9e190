"""Sums over all states of layers that are linked to their neighbours only: the odd ones listed, the even ones summed out."""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from genviz.metrics.partition import draw_listed, halves, softplus_sums
from genviz.rng import Rng

Layers = list[Tensor]  # v, h1, h2, …, each (n, units): bits, or the means of bits
FEW = 12  # units whose states may be drawn from a list
TERMS = 2**20  # of sums over states that are held at a time


class Alternating(nn.Module):
    """What `metrics.partition` asks for (`Listed`, `Anneals`), of layers such as `Deep`: a state is the odd layers h1, h3, …
    side by side. Annealing goes from no links, and no biases but those of the pixels, `anchor`, to the machine itself.

    Source: Salakhutdinov & Hinton, AISTATS 2009, section 3.3; Neal, Statistics and Computing 2001.
    """

    sizes: list[int]
    top: int
    even: range
    odd: range
    W: nn.ParameterList
    b: nn.ParameterList
    anchor: Tensor

    def input(self, x: Layers, i: int, feedback: bool = True) -> Tensor:
        raise NotImplementedError

    def together(self, x: Layers) -> Float[Tensor, "n k"]:
        """The even layers side by side: all that a chain must remember."""
        return torch.cat([x[i] for i in self.even], 1)

    def apart(self, state: Float[Tensor, "n k"], layers: Sequence[int]) -> Layers:
        """What stands side by side as layers again; nothing where the others belong."""
        parts = iter(state.split([self.sizes[i] for i in layers], 1))
        return [next(parts) if i in layers else state.new_empty(0) for i in range(self.top + 1)]

    @property
    def listed(self) -> int:
        return sum(self.sizes[i] for i in self.odd)

    @property
    def few(self) -> bool:
        """Whether drawing from the list is faster than a chain."""
        return self.listed <= FEW

    def log_terms(self, high: Float[Tensor, "k m"], low: Float[Tensor, "i m"]) -> Float[Tensor, "k i"]:
        """log Σ exp(−E) over the even layers, for every state high + low of the odd ones."""
        return self._terms(high, low, self.even)

    def _terms(self, high: Tensor, low: Tensor, summed: Sequence[int]) -> Tensor:
        """The same, but summed over some of the even layers, the others being off."""
        net = deepcopy(self).double()
        c, a, g = torch.cat([net.b[i] for i in net.odd]), net.apart(high, net.odd), net.apart(low, net.odd)
        zero = [x.new_zeros(1, len(b)) if i in net.odd else x for i, (x, b) in enumerate(zip(a, net.b, strict=True))]
        out = (high @ c)[:, None] + low @ c
        for i in summed:
            out = out + softplus_sums(net.input(a, i), net.input(g, i) - net.input(zero, i))
        return out

    def free_energy(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """F(v) = −log Σ_h exp(−E), exact: the odd layers listed, the others summed out; nats."""
        high, low = halves(self.listed)
        rest, a = self._terms(high, low, self.even[1:]), (v @ self.W[0]).double()
        (up, first), (down, _) = ((s[:, : a.shape[1]].T, s) for s in (high, low))
        each = max(1, TERMS // (len(first) * len(low)))
        sums = [(rest + (rows @ up)[:, :, None] + (rows @ down)[:, None]).flatten(1).logsumexp(1) for rows in a.split(each)]
        return -(v @ self.b[0]) - torch.cat(sums).to(v.dtype)

    def draw_exactly(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """The means of v given `n` independent draws of the odd layers from their list."""
        states = draw_listed(self, n, rng).to(self.anchor.dtype)
        return self.input(self.apart(states, self.odd), 0).sigmoid()

    def base(self, n: int, rng: Rng) -> tuple[Tensor, float]:
        """No links, and no biases but the pixels' `anchor`."""
        log_z = softplus(self.anchor.double()).sum().item() + sum(self.sizes[1:]) * math.log(2)
        return rng.coins(self.anchor.new_full((n, self.listed), 0.5)), log_z

    def log_f(self, odd: Float[Tensor, "n m"], betas: Float[Tensor, " k"]) -> Float[Tensor, "k n"]:
        """β c·h + Σ softplus of what the even units hear at β, for the odd units h; nats."""
        c, x = torch.cat([self.b[i] for i in self.odd]), self.apart(odd, self.odd)
        out, beta = torch.outer(betas, (odd @ c).double()), betas.to(odd.dtype)[:, None, None]
        for i in self.even:
            out += softplus(self._cooled(x, i, beta)).sum(2, dtype=torch.float64)
        return out

    def _cooled(self, x: Layers, i: int, beta: Any) -> Tensor:
        a = self.input(x, i)
        return torch.lerp(self.anchor, a, beta) if i == 0 else beta * a

    def anneal(self, odd: Float[Tensor, "n m"], beta: float, rng: Rng) -> Float[Tensor, "n m"]:
        x = self.apart(odd, self.odd)
        for i in self.even:
            x[i] = rng.coins(self._cooled(x, i, beta).sigmoid())
        return torch.cat([rng.coins((beta * self.input(x, i)).sigmoid()) for i in self.odd], 1)
