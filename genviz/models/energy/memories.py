"""Memories in weights: three rules that write patterns down, and the network of bits that recalls them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from genviz.rng import Rng
from genviz.samplers.spins import energy, glauber

Weights = Float[Tensor, "d d"]
Pattern = Float[Tensor, " d"]
Patterns = Float[Tensor, "k d"]
Program = list[list[Any]]
RCOND = 1e-6  # patterns this near to a mixture of others count as one
PARTS = 8  # of a sweep, each a state to be shown

# ---------------------------------------------------------------- how a pattern is written into weights


def hebb(W: Weights, x: Pattern, stored: Patterns) -> Weights:
    """W + x xᵀ/N: what fires together is wired together."""
    return hollow(W + torch.outer(x, x) / len(x))


def storkey(W: Weights, x: Pattern, stored: Patterns) -> Weights:
    """W_ij + (x_i x_j - x_i h_ji - h_ij x_j)/N with h_ij = Σ_{k≠i,j} W_ik x_k: what the net knows already is not added again.

    Off the diagonal, which no other entry depends on, h_ij x_j = (Wx)_i x_j - W_ij, as x_j² = 1.
    """
    known = torch.outer(W @ x, x) - W
    return hollow(W + (torch.outer(x, x) - known - known.T) / len(x))


def pinv(W: Weights, x: Pattern, stored: Patterns) -> Weights:
    """The projector on the span of all patterns `stored`, made anew, without its diagonal."""
    return hollow(projector(stored))


def projector(stored: Patterns) -> Weights:
    """Ξ⁺Ξ, in float64: orthogonal, with an eigenvalue 1 for each independent pattern, else 0."""
    xi = stored.double()
    P = torch.linalg.pinv(xi, rcond=RCOND) @ xi
    return ((P + P.T) / 2).to(stored.dtype)


def hollow(W: Weights) -> Weights:
    """W with a zero diagonal: no unit sees itself."""
    return W.fill_diagonal_(0.0)


RULES: dict[str, Callable[[Weights, Pattern, Patterns], Weights]] = {"hebb": hebb, "storkey": storkey, "pinv": pinv}


def written(rule: str, xi: Patterns) -> Weights:
    """The weights after all patterns, one after the other."""
    if rule == "pinv":
        return hollow(projector(xi))
    W = xi.new_zeros(xi.shape[1], xi.shape[1])
    for mu, x in enumerate(xi):
        W = RULES[rule](W, x, xi[: mu + 1])
    return W


# As they are shown, each for all patterns at once.
WRITTEN = {name: partial(written, rule) for name, rule in (("Hebb", "hebb"), ("Storkey", "storkey"), ("projector", "pinv"))}


def spoil(s: Float[Tensor, "n d"], share: float, grey: bool, rng: Rng) -> Float[Tensor, "n d"]:
    """A share of each row spoilt: bits flipped, grey pixels made the mean, other numbers drawn anew."""
    bits = bool((s.abs() == 1).all())
    worse = -s if bits else torch.zeros_like(s) if grey else rng.normal_like(s)
    return torch.where(rng.uniform(*s.shape) < share, worse, s)


def dependent(stored: Patterns) -> str:
    """What to say of patterns that a projector cannot tell apart; "" if they are independent."""
    rank, n = int(torch.linalg.matrix_rank(stored.double(), rtol=RCOND)), len(stored)
    return "" if rank == n else f" Only {rank} of these {n} are independent: the others add nothing to a projector."


def told(rule: str, stored: Patterns, due: int, patterns: int, every: int) -> str:
    """What a step of storing says: how many there are, and what a person should know of them."""
    step = f", every {every} rows" if every > 1 else ""
    few = f" The data have no more to give: {patterns} were asked for{step}." if due < patterns else ""
    return f"{len(stored)} of {due} are stored.{dependent(stored) if rule == 'pinv' else ''}{few}"


# ---------------------------------------------------------------- what holds the patterns


class Memory(nn.Module):
    """Places for `k` patterns of `d` units, `count` of them filled."""

    xi: Tensor  # (k, d)
    count: Tensor

    def __init__(self, d: int, k: int) -> None:
        super().__init__()
        self.register_buffer("xi", torch.zeros(k, d))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    @property
    def stored(self) -> Patterns:
        return self.xi[: self.count]

    def keep(self, x: Pattern) -> None:
        self.xi[self.count] = x
        self.count += 1


class Couplings(Memory):
    """Bits ±1, linked by weights W with thresholds θ: E(s) = -½ sᵀWs + θᵀs."""

    W: Tensor  # (d, d)
    bias: Tensor  # (d,): -θ, as browsers want it

    def __init__(self, d: int, k: int) -> None:
        super().__init__(d, k)
        self.register_buffer("W", torch.zeros(d, d))
        self.register_buffer("bias", torch.zeros(d))

    def relearn(self, data: Float[Tensor, "n d"], dreams: Float[Tensor, "m d"]) -> None:
        """W + ⟨ξξᵀ⟩/N of the data less that of the dreams: unlearning, of Hopfield, Feinstein & Palmer, Nature 1983."""
        step = data.T @ data / len(data) - dreams.T @ dreams / len(dreams)
        self.W.copy_(hollow(self.W + step / self.W.shape[1]))

    def field(self, s: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """h = Ws - θ: a unit falls to its sign."""
        return torch.addmm(self.bias, s, self.W)

    def energy(self, s: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return energy(s, self.W, -self.bias)

    def recall(self, s: Float[Tensor, "n d"], rng: Rng, free: Bool[Tensor, " d"], T: float) -> Iterator[Float[Tensor, "n d"]]:
        """`s`, then a state each eighth of a sweep."""
        return glauber(s, self.W, -self.bias, rng, T, PARTS, free.nonzero().flatten())

    def programs(self, prefix: str) -> dict[str, Program]:
        """Client programs of bits 0 and 1 (docs/wire.md)."""
        W, bias, xi = (f"{prefix}.{name}" for name in ("W", "bias", "xi"))
        spins: Program = [["affine", -1, 2], ["put", "s"]]
        pairs = [["linear", W], ["mul", "s"], ["sum"], ["put", "pairs"], ["get", "s"], ["dot", bias], ["affine", 0, 2]]
        return {
            "gibbs": [["sweep", W, bias, "spins"]],
            "energy": [*spins, *pairs, ["add", "pairs"], ["affine", 0, -0.5]],
            "overlap": [*spins, ["linear", xi], ["affine", 0, 1 / self.xi.shape[1]]],
            "says": [["affine", -1, 2], ["put", "v"], ["put", "h"]],
        }
