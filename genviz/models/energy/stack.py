"""Harmoniums stacked, of which the top one stays undirected: what a deep belief network dreams, believes and is worth."""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from genviz.data.binary import bits
from genviz.metrics.partition import duration
from genviz.model import BadInput
from genviz.models.energy.belief import Level, log_bits
from genviz.rng import Rng

LISTED = 16  # hidden units below the top whose states may be listed
CHUNK = 4096  # of these states at a time
RATE = 1e7  # pairs of a row and a state that are summed in a second


class Stack(nn.ModuleList):
    """p(v, h1, …) = p(v|h1) p(h1|h2) … p_top of the levels that are there; beliefs q(h1|v) q(h2|h1) … are drawn upwards."""

    @property
    def levels(self) -> list[Level]:
        return [level for level in self if isinstance(level, Level)]

    @property
    def there(self) -> list[Level]:
        return [level for level in self.levels if level.there]

    @property
    def top(self) -> Level:
        return self.there[-1]

    @property
    def lower(self) -> list[Level]:
        return self.there[:-1]

    @property
    def before(self) -> "Stack | None":
        """The levels as each ended its own turn, if they have begun to learn together."""
        return Stack(net.alone for net in self.levels) if all(net.alone is not net for net in self.levels) else None

    def add(self, place: int, rows: Float[Tensor, "n d"], labels: Tensor | None, transposed: bool) -> None:
        """Level `place` joins, with biases at which its units have the means that the rows `rows` give them; or turned over."""
        net, below = self.levels[place], self.levels[place - 1]
        below.end()
        for level in self.there:
            rows = level.recognise(rows).sigmoid()
        net.start(net.join(rows, labels).mean(0))
        if transposed:  # both together are then just the level below: the same p(v), and beliefs that are exact
            m, d = below.W.T.shape
            net.W[:m, :d], net.b[:m], net.c[:d] = below.W.T, below.c, below.b
            net.W[m:, :d] = 0  # the class has no part in it yet
        net.there.fill_(1)

    # ------------------------------------------------------------ up and down

    def rise(self, x: Float[Tensor, "n d"], rng: Rng) -> list[Tensor]:
        """x, h1, … up to the visible units of the top level, drawn from the beliefs."""
        states = [x]
        for net in self.lower:
            states.append(rng.coins(net.recognise(states[-1]).sigmoid()))
        return states

    def rise_means(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        for net in self.lower:
            x = net.recognise(x).sigmoid()
        return x

    def fall(self, v: Float[Tensor, "n m"], mean: Float[Tensor, "n m"], rng: Rng) -> tuple[list[Tensor], Tensor]:
        """From visible units of the top level, and their mean, down: x, h1, … as drawn, and the mean of x."""
        states, mean = [self.top.parts(v)[0]], self.top.parts(mean)[0]
        for net in reversed(self.lower):
            mean = net.down(states[0]).sigmoid()
            states.insert(0, rng.coins(mean))
        return states, mean

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Up, once through the top level, and down, means instead of coins."""
        top, v = self.top, self.rise_means(x)
        mean = top.parts(top.reconstruct(top.beside(v, top.votes(v).softmax(1))))[0]
        for net in reversed(self.lower):
            mean = net.down(mean).sigmoid()
        return mean

    def dream(
        self, n: int, x: Tensor | None, rng: Rng, known: Tensor | None = None, label: int = -1, sweeps: int = 1
    ) -> Iterator[tuple[Tensor, Tensor, list[Tensor], Tensor]]:
        """Endless sweeps of the top level, painted downwards: x, its mean, the hidden bits of each level, and the class. First
        `x` itself or, if there is none, what the fantasies paint; `known` pixels and the class `label` ≥ 0 stay.
        `sweeps` of the top level lie between two that are painted."""
        top = self.top

        def held(x: Tensor) -> Tensor:
            return x if known is None else torch.where(known.isnan(), x, known)

        def told(v: Tensor) -> Tensor:
            return top.join(top.parts(v)[0], torch.full((n,), label)) if label >= 0 else v

        if x is None:
            h = top.fantasies[torch.arange(n) % len(top.fantasies)]
            mean = top.mean(top.down(h))
            v = told(top.draw(mean, rng))
            states, p = self.fall(v, mean, rng)
        else:
            x = held(x)
            states, p = self.rise(x, rng), x
            v = told(top.draw(top.beside(states[-1], top.votes(states[-1]).softmax(1)), rng))  # the bits stay, a class is drawn
            h = top.up(v).sigmoid()
        while True:
            x, p = held(states[0]), held(p)
            yield x, p, [*states[1:], h], top.parts(v)[1]
            if known is not None:
                v = top.beside(self.rise(x, rng)[-1], top.parts(v)[1])
            mean = v
            for _ in range(sweeps):
                h = rng.coins(top.up(v).sigmoid())
                mean = top.mean(top.down(h))
                v = told(top.draw(mean, rng))
            states, p = self.fall(v, mean, rng)

    # ------------------------------------------------------------ all levels together

    def up_down(self, x: Float[Tensor, "n d"], y: Tensor | None, k: int, rate: float, rng: Rng) -> tuple[Tensor, Tensor]:
        """One update of contrastive wake-sleep: what recognition saw teaches painting, what `k` sweeps of the top level
        painted teaches recognition, and their difference the top. p(h|v) of the top, at first and after the sweeps.

        Source: Hinton, Osindero & Teh, Neural Computation 2006, appendix B.
        """
        top, wake = self.top, self.rise(x, rng)
        v = v0 = top.join(wake[-1], y)
        p = p0 = top.up(v0).sigmoid()
        for _ in range(k):
            v, p = top.sweep(rng.coins(p), rng)
        sleep, _ = self.fall(v, v, rng)
        moves = list(zip(top.parameters(), top.uphill(v0, p0, v, p), strict=False))
        for net, seen, dreamt in zip(self.lower, pairwise(wake), pairwise(sleep), strict=True):
            moves += net.paint(*seen) + net.see(*dreamt)
        for theta, gradient in moves:
            theta.add_(gradient, alpha=rate)
        top.keep(rng.coins(p))
        return p0, p

    # ------------------------------------------------------------ what a row is worth

    def log_weights(self, x: Float[Tensor, "n d"], rng: Rng) -> Float[Tensor, " n"]:
        """log p*(x, h) - log q(h|x) of one draw h ~ q, p* being p times the top level's Z: below log p*(x) on average."""
        found = x.new_zeros(len(x))
        for net in self.lower:
            up = net.recognise(x)
            h = rng.coins(up.sigmoid())
            found += log_bits(net.down(h), x) - log_bits(up, h)
            x = h
        return found + self.top.log_star(x)

    @property
    def hidden(self) -> int:
        """Hidden units below the top: as many must be listed for an exact answer."""
        return sum(len(net.c) for net in self.lower)

    def refuse(self) -> None:
        if self.hidden > LISTED:
            raise BadInput(
                f"p(x) is a sum over the 2^{self.hidden} states of the {self.hidden} hidden units below the top, about "
                f"{duration(2.0**self.hidden / RATE)} a row: at most {LISTED} are listed; take fewer, or the bound"
            )

    def log_star(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """log p(x) + log Z, exact: the sum over all states of the hidden units below the top; float64."""
        self.refuse()
        return self._summed(x.double(), 0)

    def _summed(self, v: Float[Tensor, "n d"], place: int) -> Float[Tensor, " n"]:
        """The same of the units below level `place`: (n,)."""
        net = self.there[place]
        if place == len(self.lower):
            return net.log_star(v.to(net.W.dtype)).double()
        found = v.new_full((len(v),), -math.inf)
        for h in bits(len(net.c)).double().split(CHUNK):
            up = torch.addmm(net.b.double(), h, net.W.double().T)
            joint = v @ up.T - softplus(up).sum(1) + self._summed(h, place + 1)
            found = torch.logaddexp(found, joint.logsumexp(1))
        return found

    def exact_bound(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """E_q[log p*(x, h) - log q(h|x)], the sum over all h instead of draws; of one or two levels, float64."""
        self.refuse()
        if not self.lower:
            return self.log_star(x)
        net, x = self.there[0], x.double()
        assert len(self.lower) == 1
        h = bits(len(net.c)).double()
        see, paint = net.recognise(x.to(net.W.dtype)).double(), torch.addmm(net.b.double(), h, net.W.double().T)
        log_q = see @ h.T - softplus(see).sum(1)[:, None]
        joint = x @ paint.T - softplus(paint).sum(1) + self._summed(h, 1)
        return (log_q.exp() * (joint - log_q)).sum(1)
