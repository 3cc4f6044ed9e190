"""How well do chains mix? Autocorrelation, effective samples, R-hat; hops between modes, their gap, coverage and currents.

A figure of one function of the states is given as `x` (c, t), c chains of t states; modes as `k` (c, t), −1 for a state between
them, which is skipped and never counted (`metrics.mixing.assign` gives them).
"""

import importlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.model import BadInput
from genviz.rng import Rng

STUCK = 1.2  # R-hat, above which no number of effective samples means anything
WINDOW = 5  # autocorrelation times, after which the sum of autocorrelations stops
FEWEST = 4  # states of a chain
NOT_MIXED = "not mixed"


def series(x: Tensor) -> Float[Tensor, "c t"]:
    """`x` in float64, if it is chains that can be judged; else a `BadInput`."""
    if x.ndim != 2 or x.shape[1] < FEWEST:
        raise BadInput(f"chains of shape {tuple(x.shape)}: give (chains, states), at least {FEWEST} states")
    if not bool(x.isfinite().all()):
        raise BadInput("the chains hold a value that is not finite: leave those states out")
    return x.double()


def autocorrelation(x: Float[Tensor, "c t"], most: int = 0) -> Float[Tensor, " lags"]:
    """ρ at lags 0, 1, … (`most` of them, 0 for all), pooled over chains: about the mean of all, so that chains that stay in
    different places are correlated for ever. Ones, if nothing ever changes."""
    x = series(x)
    t = x.shape[1]
    flat = torch.fft.rfft(x - x.mean(), n=2 * t)
    covariance = torch.fft.irfft(flat.abs().square(), n=2 * t)[:, :t].mean(0) / t
    rho = covariance / covariance[0] if covariance[0] > 0 else torch.ones_like(covariance)
    return rho[: most or t]


def time(x: Float[Tensor, "c t"]) -> float:
    """Integrated autocorrelation time τ = 1 + 2 Σ ρ, up to the first lag above five times the τ so far; infinite if that
    never comes. `c · t / τ` states are worth as many independent ones.

    Source: Sokal 1997.
    """
    tau = 2 * autocorrelation(x).cumsum(0) - 1
    enough = torch.arange(len(tau)) > WINDOW * tau
    return tau[int(enough.nonzero()[0])].item() if bool(enough.any()) else math.inf


def arviz() -> Any:
    """arviz's statistics of plain arrays, loaded when they are asked for: scipy comes with them."""
    return importlib.import_module("arviz_stats.base").array_stats


def ess(x: Float[Tensor, "c t"]) -> float:
    """Effective samples for the mean: Geyer's initial monotone sequence over split chains, arviz's estimate."""
    return float(arviz().ess(series(x).numpy(), method="mean"))


def r_hat(x: Float[Tensor, "c t"]) -> float:
    """Split R-hat √(((T−1)/T W + B/T)/W) over half chains of T states: 1 where all halves look alike. That says nothing of a
    mode that no chain has found. Infinite if chains stand still in different places, NaN if nothing ever changes."""
    x = series(x)
    if bool((x == x[:, :1]).all()):
        return math.nan if bool((x == x[0, 0]).all()) else math.inf
    if len(x) > 1:
        return float(arviz().rhat(x.numpy(), method="split"))
    half = x.shape[1] // 2
    return float(arviz().rhat(torch.cat([x[:, :half], x[:, -half:]]).numpy(), method="identity"))


@dataclass(frozen=True)
class Diagnosis:
    """Of one function of the states: τ and effective samples, NaN where the chains have `not mixed`."""

    r_hat: float
    tau: float
    ess: float
    states: int

    @property
    def mixed(self) -> bool:
        return math.isfinite(self.ess)

    @property
    def said(self) -> str:
        return f"{self.ess:,.0f} of {self.states:,}" if self.mixed else NOT_MIXED

    def per_thousand(self, nfe: float) -> float:
        """Effective samples per 1,000 evaluations, `nfe` of them a state; NaN where not mixed."""
        return 1000 * self.ess / (self.states * nfe)


def diagnose(x: Float[Tensor, "c t"]) -> Diagnosis:
    """A constant, or R-hat above 1.2, has no effective samples: the estimate would be nonsense near the number of chains."""
    found, n = r_hat(x), x.numel()
    if not found <= STUCK:  # NaN as well
        return Diagnosis(found, math.nan, math.nan, n)
    many = ess(x)
    return Diagnosis(found, n / many, many, n)


# ---------------------------------------------------------------- modes


@dataclass(frozen=True)
class Hops:
    """Moves between modes: `counts` (c, m, m), how often each chain was in j right after i, states between modes left out."""

    counts: Int[Tensor, "c m m"]

    @cached_property
    def total(self) -> Float[Tensor, "m m"]:
        return self.counts.sum(0).double()

    @property
    def rate(self) -> float:
        """1 − trace/sum: independent draws hop with 1 − Σ w². NaN without two states."""
        n = self.total.sum()
        return (1 - self.total.trace() / n).item() if n else math.nan

    @property
    def rate_se(self) -> float:
        """Standard error over chains; where nothing hopped, the 95 % bound 3/n."""
        each = self.counts.double()
        rates = 1 - each.diagonal(dim1=1, dim2=2).sum(1) / each.sum((1, 2))
        rates = rates[rates.isfinite()]
        if self.rate == 0:
            return 3 / self.total.sum().item()
        return (rates.std() / math.sqrt(len(rates))).item() if len(rates) > 1 else math.nan

    @property
    def matrix(self) -> Float[Tensor, "m m"]:
        """P, rows that sum to 1."""
        padded = self.total + 1e-9
        return padded / padded.sum(1, keepdim=True)

    @property
    def gap(self) -> float:
        """1 − |λ₂(P)|: 0 if some state is never left, or a circle is walked for ever."""
        return 1 - torch.linalg.eigvals(self.matrix).abs().sort(descending=True).values[1].item()

    @property
    def current(self) -> float:
        """A = Σ_{i<j} |N_ij − N_ji| / Σ N: 1 for a walk in a circle, about 0 under detailed balance."""
        return (self.total - self.total.T).abs().triu(1).sum().item() / max(self.total.sum().item(), 1.0)

    def current_p(self, rng: Rng, replicas: int = 200) -> float:
        """The share of replicas, the time of whole chains turned round at random, whose current is as large."""
        sides = 2 * rng.integers(0, 2, replicas, len(self.counts)).double() - 1
        skew = (self.counts - self.counts.transpose(1, 2)).double().flatten(1)
        return ((sides @ skew).abs().sum(1) >= skew.sum(0).abs().sum() - 1e-9).double().mean().item()


def hops(k: Int[Tensor, "c t"], modes: int, lag: int = 1) -> Hops:
    """Moves over `lag` states in a mode, within each chain."""
    counts = torch.zeros(len(k), modes * modes, dtype=torch.int64)
    for chain, states in enumerate(k):
        inside = states[states >= 0]
        counts[chain] = torch.bincount(inside[:-lag] * modes + inside[lag:], minlength=modes * modes)
    return Hops(counts.view(-1, modes, modes))


def gap(k: Int[Tensor, "c t"], modes: int, lag: int = 1) -> float:
    """1 − |λ₂(P over `lag`)|^(1/lag). Modes are no Markov chain: where this is not flat in the lag, a longer one counts."""
    return 1 - max(1 - hops(k, modes, lag).gap, 0.0) ** (1 / lag)


def visited(k: Int[Tensor, "c t"], modes: int) -> Int[Tensor, "c t"]:
    """How many different modes each chain has been in by each state."""
    seen = torch.zeros(len(k), modes + 1, dtype=torch.bool)
    found = torch.zeros_like(k)
    rows = torch.arange(len(k))
    for t, now in enumerate(k.unbind(1)):
        seen[rows, now] = True  # −1 marks the last column
        found[:, t] = seen[:, :modes].sum(1)
    return found


def coverage(k: Int[Tensor, "c t"], modes: int) -> float:
    """The median over chains of the first state, counted from 1, by which all modes were visited; infinite if never."""
    whole = visited(k, modes) == modes
    first = torch.where(whole.any(1), whole.int().argmax(1) + 1.0, math.inf)
    return first.sort().values[len(first) // 2].item()


def diagnose_modes(k: Int[Tensor, "c t"], modes: int) -> Diagnosis:
    """The worst of the indicators 1[state in mode j]. One that never changes is not mixed."""
    found = [diagnose((k == j).double()) for j in range(modes)]
    return min(found, key=lambda each: each.ess if each.mixed else -1.0)


# ---------------------------------------------------------------- ladders


def round_trips(who: Int[Tensor, "t k c"]) -> Int[Tensor, " c"]:
    """How often a replica went from the hottest rung (0) to the coldest and back, in each chain; `who` stands on each rung."""
    t, k, c = who.shape
    down = torch.zeros(c, k, dtype=torch.int8)  # of each replica: 0 not yet hot, 1 on its way down, 2 on its way up
    trips, chain = torch.zeros(c, dtype=torch.int64), torch.arange(c)
    for now in who:
        hot, cold = now[0], now[-1]
        trips += down[chain, hot] == 2
        down[chain, hot] = 1
        down[chain, cold] = torch.where(down[chain, cold] == 1, 2, down[chain, cold])
    return trips
