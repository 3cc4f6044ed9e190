"""Tiny sets of bits, small enough to list every state; the Ising lattice; random patterns for memories."""

from typing import Annotated, Literal, Unpack

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data.base import Count, Data, Each, Finite, Seed, Size, draw, listed
from genviz.model import Spec
from genviz.rng import Rng


def bits(n: int) -> Float[Tensor, "k n"]:
    """All 2ⁿ rows of n bits, the last of them changing fastest."""
    return (torch.arange(2**n)[:, None] >> torch.arange(n - 1, -1, -1) & 1).float()


def stripes(side: int) -> Float[Tensor, "k d"]:
    """Every union of whole rows, then every union of whole columns, as flat images; blank and full come twice."""
    rows = bits(side)[:, :, None].expand(-1, -1, side)
    return torch.cat([rows, rows.transpose(1, 2)]).flatten(1)


def bars_and_stripes(side: Literal[3, 4] = 3) -> Data:
    return listed(stripes(side).unique(dim=0), (side, side))


def bars(**size: Unpack[Size]) -> Data:
    states, which = stripes(4).unique(dim=0, return_inverse=True)
    on = bits(4).sum(1).double()
    once = 0.5 * 0.2**on * 0.8 ** (4 - on)  # one orientation, each bar on with probability 0.2
    probs = torch.zeros(len(states), dtype=torch.float64).index_add(0, which, once.repeat(2))
    return draw(Finite(states, probs), None, (), (4, 4), "binary", **size)


def parity() -> Data:
    states = bits(3)
    return listed(states[states.sum(1) % 2 == 0], (3,))


def encoder424() -> Data:
    return listed(torch.eye(4).repeat(1, 2), (2, 4), torch.arange(4))


def shifter() -> Data:
    source, which = bits(8), torch.eye(3)
    parts = [torch.cat([source, source.roll(k - 1, 1), which[k].expand(256, 3)], 1) for k in range(3)]
    return listed(torch.cat(parts), (19,), torch.arange(3).repeat_interleave(256), ("left", "unshifted", "right"))


def heartbeat(**size: Unpack[Size]) -> Data:
    states = torch.eye(5).repeat(1, 4)
    return draw(Finite(states), torch.arange(5), (), (20,), "binary", **size)


class Ising:
    """Spins on a periodic `side` × `side` lattice, p(x) ∝ exp(-energy(x)). Rows are bits, 1 for up and 0 for down, or ±1."""

    def __init__(self, side: int, beta: float) -> None:
        self.side, self.beta = side, beta

    def bonds(self, x: Float[Tensor, "n d"]) -> Each:
        """The sum of neighbour products, each pair once: (n, side²) -> (n,)."""
        s = torch.where(x > 0, 1.0, -1.0).to(x.dtype).unflatten(1, (self.side, self.side))
        return (s * (s.roll(1, 1) + s.roll(1, 2))).sum((1, 2))

    def energy(self, x: Float[Tensor, "n d"]) -> Each:
        """-beta times the sum of neighbour products, in nats: (n, side²) -> (n,)."""
        return -self.beta * self.bonds(x)


def ising(side: Annotated[int, (3, 64)] = 16, beta: Annotated[float, (0.0, 10.0)] = 0.44) -> Data:
    nothing = torch.zeros(0, side**2)
    return Data("", nothing, nothing, Spec((side, side), "binary"), density=Ising(side, beta))


def random_patterns(n: Count = 100, units: Annotated[int, (2, 10_000)] = 500, seed: Seed = 0) -> Data:
    x = 2.0 * Rng(seed, "data").integers(0, 2, n, units) - 1  # a memory is tested on what it stored
    return Data("", x, x, Spec((units,)))
