"""What a list of all states gives, of bits linked in pairs: exact statistics, the constant Z; and Z by annealing."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from genviz.data.binary import bits
from genviz.metrics.partition import MOST, draw_listed, halves
from genviz.rng import Rng
from genviz.samplers.sequential import sweep

FEW = 14  # units of which rows are drawn from a list of all states, not by a chain
HIDDEN = 10  # hidden units that are summed out by listing them
AT_ONCE = 1 << 20  # numbers that such a sum holds at a time


class Countable:
    """What `metrics.partition` asks for (`Listed`, `Anneals`), of bits s = (v, h) with E(s) = -½ sᵀWs - b·s, see `Pairwise`;
    annealing starts from independent bits of bias `anchor`."""

    d: int
    W: Tensor
    b: Tensor
    anchor: Tensor

    @property
    def hidden(self) -> range:
        return range(self.d, len(self.b))

    @property
    def listed(self) -> int:
        return len(self.b)

    @property
    def few(self) -> bool:
        """Whether drawing from a list of all states is faster than a chain."""
        return self.listed <= FEW

    def energy(self, s: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """E(s), nats."""
        return -(s @ self.W * s).sum(1) / 2 - s @ self.b

    def statistics(self, s: Float[Tensor, "n k"]) -> Float[Tensor, "k k"]:
        """⟨s_i s_j⟩ over the rows and, on the diagonal, ⟨s_i⟩."""
        pairs = s.T @ s / len(s)
        pairs.diagonal().copy_(s.mean(0))
        return pairs

    # ------------------------------------------------------------ with rows held: a list of hidden states

    def hidden_terms(self, v: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n m"], Float[Tensor, "m k"]]:
        """-E(v, h) for each of the 2^H states of the hidden units, and these states."""
        h, d = bits(len(self.hidden)).to(v.dtype), self.d
        whole = torch.cat([h.new_zeros(len(h), d), h], 1)
        seen = torch.cat([v, v.new_zeros(len(v), len(self.hidden))], 1)
        return v @ self.W[:d, d:] @ h.T - self.energy(whole) - self.energy(seen)[:, None], h

    def free_energy(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """F(v) = -log Σ_h exp(-E(v, h)), nats, by listing the hidden units."""
        rows = v.split(max(1, AT_ONCE >> len(self.hidden)))
        return torch.cat([-self.hidden_terms(part)[0].logsumexp(1) for part in rows])

    def held(self, v: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "k k"], Float[Tensor, " n"], Float[Tensor, "n m"]]:
        """Exact statistics with each row held, F of each, and E[h|v]."""
        terms, h = self.hidden_terms(v)
        p = terms.softmax(1)
        found = self.statistics(torch.cat([v, mean := p @ h], 1))
        found[self.d :, self.d :] = h.T @ (p.mean(0)[:, None] * h)
        return found, -terms.logsumexp(1), mean

    # ------------------------------------------------------------ free: a list of all states

    def free(self) -> tuple[Float[Tensor, "k k"], float]:
        """Exact statistics of the free machine, and log Z. As a state is the sum of two halves, sums over all states are
        products of matrices: of 13 units a fifth of a millisecond."""
        high, low = halves(self.listed)
        terms = self.log_terms(high, low)
        p = terms.flatten().softmax(0).view_as(terms)
        across = high.T @ p @ low
        pairs = high.T @ (p.sum(1)[:, None] * high) + low.T @ (p.sum(0)[:, None] * low) + across + across.T
        return pairs.to(self.W.dtype), terms.flatten().logsumexp(0).item()

    def log_terms(self, high: Float[Tensor, "m k"], low: Float[Tensor, "n k"]) -> Float[Tensor, "m n"]:
        """-E of every state high + low, float64."""
        W, b = self.W.double(), self.b.double()
        alone = [(s @ W * s).sum(1) / 2 + s @ b for s in (high, low)]
        return alone[0][:, None] + alone[1] + high @ W @ low.T

    def ground(self) -> float:
        """The lowest energy there is, nats; NaN above 20 units."""
        if self.listed > MOST:
            return math.nan
        high, low = halves(self.listed)
        return -max(self.log_terms(rows, low).max().item() for rows in high.split(256))

    def draw_exactly(self, n: int, rng: Rng) -> Float[Tensor, "n k"]:
        """`n` independent states, by listing all."""
        return draw_listed(self, n, rng).to(self.W.dtype)

    # ------------------------------------------------------------ from independent bits to this machine

    def base(self, n: int, rng: Rng) -> tuple[Tensor, float]:
        """Independent bits of bias `anchor`."""
        return rng.coins(self.anchor.expand(n, -1).sigmoid()), softplus(self.anchor.double()).sum().item()

    def log_f(self, s: Float[Tensor, "n k"], betas: Float[Tensor, " m"]) -> Float[Tensor, "m n"]:
        """(1-β) anchor·s - β E(s)."""
        far, near = (s @ self.anchor).double(), -self.energy(s).double()
        return torch.outer(1 - betas, far) + torch.outer(betas, near)

    def anneal(self, s: Float[Tensor, "n k"], beta: float, rng: Rng) -> Float[Tensor, "n k"]:
        return sweep(s, beta * self.W, torch.lerp(self.anchor, self.b, beta), rng)[0]
