"""The constant Z of models known up to it: exactly, by listing the states of a layer, and by annealed importance sampling."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad, softplus

from genviz.data.binary import bits
from genviz.model import BadInput, digest
from genviz.rng import Rng

MOST = 20  # units that can be listed: 2^20 states take about a second
CHUNK = 18  # a sum over 2^18 states at a time: 2 MB, and what is made for each chunk anew does not weigh
LOW = 10  # units that run fastest
FEW = 10.0  # effective runs below which an estimate is not to be trusted


# ---------------------------------------------------------------- exact


@runtime_checkable
class Listed(Protocol):
    """A model with a layer of few enough bits to list, `listed` of them, all other units being summed out by hand."""

    @property
    def listed(self) -> int: ...

    def log_terms(self, high: Float[Tensor, "m k"], low: Float[Tensor, "n k"], /) -> Float[Tensor, "m n"]:
        """log Σ exp(-energy) over all other units for each state `high[i] + low[j]` of the listed ones; float64, nats."""
        ...


def halves(units: int) -> tuple[Float[Tensor, "m k"], Float[Tensor, "n k"]]:
    """All states of `units` bits as sums of two rows, float64: one counts in the leading bits, one in the others."""
    low = min(units, LOW)
    return pad(bits(units - low).double(), (0, low)), pad(bits(low).double(), (units - low, 0))


def refuse(units: int) -> None:
    """A `BadInput` that names the cost, if so many units are too many to list."""
    if units > MOST:
        raise BadInput(
            f"log Z is a sum over the 2^{units} states of {units} units, about {duration(2.0 ** (units - MOST))}: "
            f"at most {MOST} units are listed; take a smaller layer, or the estimate by annealed importance sampling"
        )


def duration(seconds: float) -> str:
    for unit, size in (("years", 3.15e7), ("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


@torch.no_grad()
def exact_log_z(model: Listed) -> float:
    """log Z by listing, nats; a `BadInput` above 20 units. A few megabytes of memory."""
    refuse(model.listed)
    high, low = halves(model.listed)
    parts = [model.log_terms(rows, low).flatten().logsumexp(0) for rows in high.split(max(1, 2**CHUNK // len(low)))]
    return torch.stack(parts).logsumexp(0).item()


def draw_listed(model: Listed, n: int, rng: Rng) -> Float[Tensor, "n k"]:
    """`n` independent states of the listed units, by listing all; float64."""
    high, low = halves(model.listed)
    index = rng.categorical(model.log_terms(high, low).flatten().softmax(0), n)
    return high[index // len(low)] + low[index % len(low)]


FULL, WILD = 600.0, 60.0  # nats that a product of floats can hold; those above which a factor is not multiplied


def softplus_sums(a: Float[Tensor, "m d"], b: Float[Tensor, "n d"]) -> Float[Tensor, "m n"]:
    """Σ_i softplus(a_ki + b_li) for every pair of rows, float64: what a layer of bits leaves when it is summed out.

    It is log Π_i (1 + e^a e^b). Four factors multiplied out are a product of two vectors of 16, one of k and one of l: a
    matrix product gives them for all pairs, and no pair needs an exponential of its own.
    """
    a, b = a.double(), b.double()
    most_a, most_b = a.amax(0), b.amax(0)
    top, shift = most_a + most_b, (most_a - most_b) / 2
    a, b = a - shift, b + shift  # so that neither overflows
    wild = top > WILD
    out = sum((softplus(a[:, i, None] + b[:, i]) for i in wild.nonzero().flatten().tolist()), a.new_zeros(len(a), len(b)))
    bound = softplus(pad(top[~wild], (0, -int((~wild).sum()) % 4), value=-math.inf)).reshape(-1, 4).sum(1).tolist()
    product, four, filled = torch.ones_like(out), torch.empty_like(out), 0.0
    for left, right, nats in zip(_subsets(a[:, ~wild]), _subsets(b[:, ~wild]), bound, strict=True):
        if filled + nats > FULL:
            out += product.log()
            product.fill_(1.0)
            filled = 0.0
        product *= torch.mm(left, right.T, out=four)
        filled += nats
    return out + product.log()


def _subsets(x: Float[Tensor, "n d"]) -> Float[Tensor, "g n 16"]:
    """exp(Σ_{i in S} x_i) for the 16 subsets S of each four columns."""
    fours = pad(x, (0, -x.shape[1] % 4), value=-math.inf).exp().reshape(len(x), -1, 4).transpose(0, 1)
    of = fours.new_ones(*fours.shape[:2], 1)
    for factor in fours.unbind(2):
        of = torch.cat([of, of * factor[:, :, None]], 2)
    return of


# ---------------------------------------------------------------- estimated


@runtime_checkable
class Anneals(Protocol):
    """Unnormalised densities f_β on the way from a base with a known constant, β = 0, to the model's own, β = 1."""

    def base(self, n: int, rng: Rng, /) -> tuple[Tensor, float]:
        """`n` exact draws (n, d) of the base, and its log Z."""
        ...

    def log_f(self, x: Float[Tensor, "n d"], betas: Float[Tensor, " k"], /) -> Float[Tensor, "k n"]:
        """log f_β(x) for each of the `betas`, float64, nats."""
        ...

    def anneal(self, x: Float[Tensor, "n d"], beta: float, rng: Rng, /) -> Float[Tensor, "n d"]:
        """A random step that leaves f_β as it is."""
        ...


@dataclass(frozen=True)
class Annealed:
    """What annealed importance sampling found: the log-weight of each run, nats, and log Z of the base they start from."""

    log_w: Float[Tensor, " m"]
    log_z_base: float

    @cached_property
    def log_z(self) -> float:
        return self.log_z_base + self.log_w.logsumexp(0).item() - math.log(len(self.log_w))

    @cached_property
    def ess(self) -> float:
        """(Σw)²/Σw²: how many of the runs count."""
        return (2 * self.log_w.logsumexp(0) - (2 * self.log_w).logsumexp(0)).exp().item()

    @cached_property
    def interval(self) -> tuple[float, float]:
        """log(Z ± 3 standard errors); the lower end is -inf where the error exceeds a third of the estimate."""
        w = (self.log_w - self.log_w.max()).exp()
        error = 3 * (w.std() / w.mean()).item() / math.sqrt(len(w)) if len(w) > 1 else math.inf
        return self.log_z + (math.log1p(-error) if error < 1 else -math.inf), self.log_z + math.log1p(error)

    @property
    def warning(self) -> str:
        if self.ess >= FEW:
            return ""
        return (
            f"Only {self.ess:.1f} of {len(self.log_w)} runs count: log Z is likely too small, and log-likelihoods too good. "
            f"Take more temperatures, or train for a shorter time."
        )


@torch.no_grad()
def ais(model: Anneals, rng: Rng, temperatures: int = 1000, runs: int = 100) -> Annealed:
    """Annealed importance sampling along evenly rising β: E[w] = Z / Z_base exactly, whatever the number of temperatures.

    Source: Neal, Statistics and Computing 2001; for layers of bits, Salakhutdinov & Murray, ICML 2008.
    """
    if temperatures < 1 or runs < 1:
        raise BadInput(f"annealing over {temperatures} temperatures with {runs} runs: take at least one of each")
    betas = torch.linspace(0, 1, temperatures + 1, dtype=torch.float64)
    x, log_z_base = model.base(runs, rng)
    log_w = torch.zeros(runs, dtype=torch.float64)
    for k in range(1, temperatures + 1):
        before, now = model.log_f(x, betas[k - 1 : k + 1])
        log_w += now - before
        if k < temperatures:  # after the last weight nothing is read
            x = model.anneal(x, betas[k].item(), rng)
    return Annealed(log_w, log_z_base)


# ---------------------------------------------------------------- whichever can be had


@dataclass(frozen=True)
class Constant:
    """log Z, nats, and how many runs of annealing count: NaN where it is the exact sum."""

    log_z: float
    ess: float = math.nan

    @property
    def told(self) -> dict[str, float]:
        """What a figure that rests on it must be shown with."""
        return {} if math.isnan(self.ess) else {"effective runs": self.ess}


def constant(model: Anneals, rng: Rng, temperatures: int = 1000, runs: int = 100) -> Constant:
    """By listing, up to 20 units; else by annealing."""
    if isinstance(model, Listed) and model.listed <= MOST:
        return Constant(exact_log_z(model))
    found = ais(model, rng, temperatures, runs)
    return Constant(found.log_z, found.ess)


KEPT = 64  # constants
_CONSTANTS: dict[tuple[Any, ...], Constant] = {}  # by weights


def remembered(model: Any, temperatures: int = 1000, runs: int = 100) -> Constant:
    """The same, found once for these weights: looking twice is cheap, and says the same."""
    key = (type(model), digest(dict(model.named_parameters())), temperatures, runs)
    if key not in _CONSTANTS:
        while len(_CONSTANTS) >= KEPT:
            _CONSTANTS.pop(next(iter(_CONSTANTS)), None)
        _CONSTANTS[key] = constant(model, Rng(0, "log Z"), temperatures, runs)
    return _CONSTANTS[key]
