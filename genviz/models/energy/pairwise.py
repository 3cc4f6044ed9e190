"""Bits linked in pairs, each drawn given all others: the part behind the Boltzmann machine."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genviz.errors import BadInput
from genviz.models.energy.pairs import HIDDEN, Countable
from genviz.rng import Rng
from genviz.samplers.sequential import sweep
from genviz.samplers.spins import spins_of_bits

COOLING, COLLECTED = (2, 2, 1.5, 1.5, 1.2, 1.2, 1, 1, 1, 1), 10  # of 1985, a tenth as hot: sweeps, then those that count
ROUNDS, DAMPING = 30, 0.5  # of mean field


def linked(which: str, d: int, n: int) -> Float[Tensor, "n n"]:
    """1 where two of `n` units, the first `d` of them visible, may be linked: all, none between the halves of a row, or none
    within a layer."""
    links = torch.ones(n, n)
    if which == "halves":
        links[: d // 2, d // 2 : d] = links[d // 2 : d, : d // 2] = 0
    if which == "layers":
        links[:d, :d] = links[d:, d:] = 0
    return links


class Pairwise(Countable, nn.Module):
    r"""E(s) = -½ sᵀWs - b·s of N bits s = (v, h), the first d of them visible; nats.

    W (N, N) is symmetric, and 0 on its diagonal and where `links` is. ∂ log p(v)/∂W_ij is ⟨s_i s_j⟩ with v held less
    ⟨s_i s_j⟩ of the free machine, and so for b_i with ⟨s_i⟩: *statistics* (N, N) hold both, the means on their diagonal.

    Source: Ackley, Hinton & Sejnowski, *A learning algorithm for Boltzmann machines*, Cognitive Science 1985.
    """

    links: Tensor

    def __init__(self, d: int, hidden: int, std: float, links: Float[Tensor, "k k"] | None = None) -> None:
        """First weights N(0, std²), drawn once for each pair."""
        super().__init__()
        self.d, n = d, d + hidden
        self.register_buffer("links", (torch.ones(n, n) if links is None else links).fill_diagonal_(0))
        half = (std * torch.randn(n, n)).triu(1)
        self.W, self.b = nn.Parameter((half + half.T) * self.links), nn.Parameter(torch.zeros(n))
        self.register_buffer("anchor", torch.zeros(n))  # biases of independent bits, where annealing begins
        self.requires_grad_(False)  # its gradients are differences of statistics

    def start(self, mean: Float[Tensor, " d"]) -> None:
        """Visible biases at which independent bits have these means."""
        self.b[: self.d] = mean.clamp(0.05, 0.95).logit()
        self.anchor.copy_(self.b)

    # ------------------------------------------------------------ chains

    def coins(self, n: int, rng: Rng) -> Float[Tensor, "n k"]:
        """States in which every unit is a fair coin."""
        return rng.coins(self.b.new_full((n, len(self.b)), 0.5))

    def gap(self, s: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """E with unit i off less E with it on: the input of each unit, p(s_i=1|rest) is its sigmoid."""
        return torch.addmm(self.b, s, self.W)

    def sweep(self, s: Float[Tensor, "n k"], rng: Rng, units: Sequence[int] | None = None, t: float = 1.0) -> Tensor:
        """Each unit once, in a random order, at temperature `t`; only `units`, if given."""
        return sweep(s, self.W, self.b, rng, units, t)[0]

    def gibbs(self, s: Float[Tensor, "n k"], rng: Rng, known: Tensor | None, t: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless sweeps, first `s` itself: the state, and the means at which its visible units fell. `known` values (d,), NaN
        where free, stay."""
        free = range(self.d) if known is None else known.isnan().nonzero().flatten().tolist()
        if known is not None:
            s = torch.cat([torch.where(known.isnan(), s[:, : self.d], known), s[:, self.d :]], 1)
        p = s[:, : self.d]
        while True:
            yield s, p
            s, gap = sweep(s, self.W, self.b, rng, [*free, *self.hidden], t)
            p = (gap[:, : self.d] / t).sigmoid()
            p = p if known is None else torch.where(known.isnan(), p, known)

    def cooled(self, n: int, rng: Rng, temperatures: Sequence[float]) -> Iterator[Float[Tensor, "n k"]]:
        """`n` states after a sweep at each of the temperatures, from coins."""
        s = self.coins(n, rng)
        for t in temperatures:
            s = self.sweep(s, rng, t=t)
            yield s

    def settle(
        self, s: Float[Tensor, "n k"], rng: Rng, sweeps: int, units: Sequence[int] | None = None
    ) -> tuple[Float[Tensor, "k k"], Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Statistics near equilibrium, and the last two states: after `sweeps` of `units` (all of them) from `s`; with none, of
        the last sweeps of a cooling from coins."""
        before = s
        for _ in range(sweeps):
            before, s = s, self.sweep(s, rng, units)
        if sweeps:
            return self.statistics(s), s, before
        places = list(range(len(self.b)) if units is None else units)
        s, found = s.index_copy(1, torch.tensor(places), self.coins(len(s), rng)[:, places]), torch.zeros_like(self.W)
        for t in COOLING:
            s = self.sweep(s, rng, units, t)
        for _ in range(COLLECTED):
            before, s = s, self.sweep(s, rng, units)
            found += self.statistics(s) / COLLECTED
        return found, s, before

    def climb(self, step: Float[Tensor, "k k"]) -> None:
        """Add to the weights what is off the diagonal, where there are links, and to the biases what is on it."""
        self.b += step.diagonal()
        self.W += (step + step.T) / 2 * self.links

    # ------------------------------------------------------------ mean field

    def mean_field(self, v: Float[Tensor, "n d"], start: Tensor | None = None) -> Float[Tensor, "n k"]:
        """v, and the means μ of hidden units that each see only the means of the others: μ = σ(W_hv v + W_hh μ + b_h)."""
        d = self.d
        seen = v @ self.W[:d, d:] + self.b[d:]
        mean = seen.sigmoid() if start is None else start
        for _ in range(ROUNDS):
            mean = torch.lerp(mean, torch.addmm(seen, mean, self.W[d:, d:]).sigmoid(), DAMPING)
        return torch.cat([v, mean], 1)

    def mean_field_energy(self, s: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """E(v, μ) less the entropy of independent bits of means μ: never below F(v), nats."""
        mean = s[:, self.d :]
        return self.energy(s) - (torch.special.entr(mean) + torch.special.entr(1 - mean)).sum(1)

    def explained(self, v: Float[Tensor, "n d"]) -> tuple[Tensor, Float[Tensor, " n"], Float[Tensor, "n m"]]:
        """Statistics with each row held, F of each, and E[h|v]: exact where hidden units can be listed, else by mean field."""
        if len(self.hidden) <= HIDDEN:
            return self.held(v)
        s = self.mean_field(v)
        return self.statistics(s), self.mean_field_energy(s), s[:, self.d :]

    def bound(self, v: Float[Tensor, "n d"], rng: Rng, k: int) -> Float[Tensor, " n"]:
        """Below log Σ_h exp(-E(v, h)): the best that mean field finds from `k` starts."""
        starts = [None, *(rng.uniform(len(v), len(self.hidden)).to(v.dtype) for _ in range(k - 1))]
        return torch.stack([-self.mean_field_energy(self.mean_field(v, start)) for start in starts]).amax(0)

    def as_spins(self) -> tuple[Float[Tensor, "d d"], Float[Tensor, " d"]]:
        """W and θ with which spins ±1 are as likely, E = -½ sᵀWs + θᵀs; a `BadInput` if some are hidden."""
        if len(self.hidden):
            raise BadInput("There are no weights between the bits of a row alone: hidden units have a say")
        W, b = spins_of_bits(self.W, self.b)
        return W, -b

    # ------------------------------------------------------------ in the browser

    def programs(self, prefix: str) -> dict[str, list[list[Any]]]:
        """The client programs of a state (v, h), tensors below `prefix`: a Gibbs sweep, and E (docs/wire.md)."""
        W, b = f"{prefix}.W", f"{prefix}.b"
        split = [["slice", self.d, len(self.b)], ["put", "h"], ["get", "s"]] if len(self.hidden) else []
        pairs = [["linear", W], ["mul", "x"], ["sum"], ["affine", 0, -0.5], ["put", "pairs"]]
        alone = [["get", "x"], ["dot", b], ["affine", 0, -1], ["add", "pairs"]]
        return {"gibbs": [["sweep", W, b], ["put", "s"], *split], "energy": [*pairs, *alone]}
