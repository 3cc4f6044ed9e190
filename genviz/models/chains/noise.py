"""The fixed half of a diffusion model: the noise that takes data apart, Gaussian or binomial, and its exact reverse."""

import math
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Normal
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from genviz.rng import Rng

Readout = Literal["sd15", "eps", "x0"]
LOG_2PI = math.log(2 * math.pi)
Rows = Float[Tensor, "n d"]
Times = Int[Tensor, " n"]


class Rates(NamedTuple):
    """What the rates make of some times, each (n, 1), with a_t = 1 − β_t and A_t = a_1 … a_t:

    signal √A_t and noise √(1 − A_t) of q(x_t|x_0); q(x_{t−1}|x_t, x_0) = N(c0 x_0 + c1 x_t, v); the model's mean is
    keep · x_t + push · f for a network's output f, its fixed variance is `spread`; `logit` of β_t. stir is 0 at t = 1, where no
    noise is added, else 1. rise_x · x + rise_f · f is x_t for x = x_{t−1} by DDIM without noise.
    """

    beta: Tensor
    signal: Tensor
    noise: Tensor
    c0: Tensor
    c1: Tensor
    v: Tensor
    log_v: Tensor
    keep: Tensor
    push: Tensor
    spread: Tensor
    logit: Tensor
    stir: Tensor
    rise_x: Tensor
    rise_f: Tensor


def tabulate(beta: Float[Tensor, " T"], readout: Readout) -> Float[Tensor, "times columns"]:
    """The columns of `Rates` for the times 0 … T, in the type of beta: float64. Of time 0 only signal and noise count.

    At t = 1, where v = 0, log_v is such that the formula of the divergence, ½ (log V − log v + (v + (m − μ)²)/V − 1), becomes
    −log p(x_0|x_1).
    """
    a = 1 - beta
    A = a.cumprod(0)
    before = torch.cat([torch.ones_like(A[:1]), A[:-1]])
    noise, root = (1 - A).sqrt(), a.sqrt()
    c0, c1, v = before.sqrt() * beta / (1 - A), root * (1 - before) / (1 - A), beta * (1 - before) / (1 - A)
    log_v = torch.cat([-1 - LOG_2PI + 0 * v[:1], v[1:].log()])
    keep, push = {"sd15": (root, beta.sqrt()), "eps": (1 / root, -beta / (noise * root)), "x0": (c1, c0)}[readout]
    spread, stir = torch.cat([beta[:1], v[1:]]), (torch.arange(len(A)) > 0).double()
    x0_x, x0_f = (keep - c1) / c0, push / c0  # x0 = x0_x x + x0_f f, and eps follows from it
    rise = (noise - root * (1 - before).sqrt()) / noise
    rise_x, rise_f = root + rise * (1 - A.sqrt() * x0_x), -rise * A.sqrt() * x0_f
    logit, signal = beta.logit(1e-9), A.sqrt()
    columns = Rates(beta, signal, noise, c0, c1, v, log_v, keep, push, spread, logit, stir, rise_x, rise_f)
    table = torch.stack(columns, 1)
    return torch.cat([torch.eye(len(columns)).to(table)[1:2], table])


class Noise(nn.Module):
    """q(x_t|x_{t−1}) and what follows from it, for rows (n, d) in standardised units and a time for each row."""

    table: Tensor

    def __init__(self, beta: Float[Tensor, " T"], readout: Readout = "sd15") -> None:
        super().__init__()
        self.readout: Readout = readout
        self.register_buffer("table", tabulate(beta, readout).float())

    def at(self, t: Times) -> Rates:
        return Rates(*self.table[t].split(1, 1))

    def last(self, n: int, d: int) -> Distribution:
        """p(x_T): nothing of the data is left."""
        raise NotImplementedError

    def q(self, x0: Rows, t: Times) -> Distribution:
        """q(x_t | x_0)."""
        raise NotImplementedError

    def step(self, x: Rows, t: Times) -> Distribution:
        """q(x_t | x_{t−1})."""
        raise NotImplementedError

    def back(self, x0: Rows, xt: Rows, t: Times) -> Distribution:
        """q(x_{t−1} | x_t, x_0), by Bayes' rule."""
        raise NotImplementedError

    def kl(self, q: Any, p: Any, t: Times) -> Float[Tensor, " n"]:
        """KL(q ‖ p) of a step back from t, nats a row; at t = 1, where q is certain of x_0, −log p(x_0|x_1)."""
        raise NotImplementedError

    def end(self, x0: Rows) -> Float[Tensor, " n"]:
        """KL(q(x_T|x_0) ‖ p(x_T)): what of the data is left when it should all be gone, nats a row."""
        raise NotImplementedError


class Gaussian(Noise):
    """x_t = √(1 − β_t) x_{t−1} + √β_t ε."""

    def last(self, n: int, d: int) -> Normal:
        return normal(torch.zeros(n, d), torch.ones(1))

    def q(self, x0: Rows, t: Times) -> Normal:
        r = self.at(t)
        return normal(r.signal * x0, r.noise)

    def step(self, x: Rows, t: Times) -> Normal:
        beta = self.at(t).beta
        return normal((1 - beta).sqrt() * x, beta.sqrt())

    def back(self, x0: Rows, xt: Rows, t: Times) -> Normal:
        r = self.at(t)
        return normal(r.c0 * x0 + r.c1 * xt, r.v.sqrt())

    def kl(self, q: Any, p: Any, t: Times) -> Float[Tensor, " n"]:
        var = p.scale.square()
        error = (q.scale.square() + (q.loc - p.loc).square()) / var
        return (var.log() - self.at(t).log_v + error - 1).sum(1) / 2

    def end(self, x0: Rows) -> Float[Tensor, " n"]:
        signal, var = self.table[-1, 1], self.table[-1, 2].square()
        return ((signal * x0).square() + var - 1 - var.log()).sum(1) / 2

    def origin(self, mean: Rows, xt: Rows, t: Times) -> Rows:
        """The x_0 of which a step back from x_t to this mean speaks."""
        r = self.at(t)
        return (mean - r.c1 * xt) / r.c0

    def jump(self, x0: Rows, xt: Rows, t: Times, s: Times, eta: float) -> Normal:
        """q(x_s | x_t, x_0) of DDIM (eq. 12), s < t: without noise for eta = 0, the same as `back` for eta = 1, s = t − 1."""
        here, there = self.at(t), self.at(s)
        eps = (xt - here.signal * x0) / here.noise
        var = (eta * there.noise / here.noise).square() * (1 - (here.signal / there.signal).square())
        return normal(there.signal * x0 + (there.noise.square() - var).clamp(min=0).sqrt() * eps, var.sqrt())

    def seen(self, law: Normal, y: Float[Tensor, " d"], sd: Float[Tensor, " d"], s: Times) -> Normal:
        """The law of x_s times the evidence that x_0 was measured as `y` with an error of `sd`; NaN where it was not.

        N(m, V) becomes N(V' (m/V + √A_s y/S), V'), V' = 1/(1/V + A_s/S). S = sd² + 1 − A_s is exact for standardised Gaussian
        data. SD15 (eq. 17) has sd² and 1 in place of S and A_s at every s, which counts the evidence again and again.
        """
        r = self.at(s)
        known = r.signal.square() / (sd.square() + r.noise.square())
        known = known.where(y.isfinite(), 0.0)
        var = law.scale.square() / (1 + law.scale.square() * known)
        pull = known * (y.nan_to_num() / r.signal - law.loc)
        return normal(law.loc + var * pull, var.sqrt())


class Binomial(Noise):
    """x_t = x_{t−1}, but with probability β_t a fresh coin."""

    def last(self, n: int, d: int) -> Bernoulli:
        return coin(torch.full((n, d), 0.5))

    def q(self, x0: Rows, t: Times) -> Bernoulli:
        kept = self.at(t).signal.square()
        return coin(x0 * kept + (1 - kept) / 2)

    def step(self, x: Rows, t: Times) -> Bernoulli:
        beta = self.at(t).beta
        return coin(x * (1 - beta) + beta / 2)

    def back(self, x0: Rows, xt: Rows, t: Times) -> Bernoulli:
        one, likely = self.q(x0, t - 1).probs, self.step(xt, t).probs  # the noise is symmetric: q(x_t|1) = q(1|x_t)
        return coin(one * likely / (one * likely + (1 - one) * (1 - likely)))

    def kl(self, q: Any, p: Any, t: Times) -> Float[Tensor, " n"]:
        return (cross_entropy(p.logits, q.probs, reduction="none") - entropy(q.probs)).sum(1)

    def end(self, x0: Rows) -> Float[Tensor, " n"]:
        kept = self.table[-1, 1].square()
        return (math.log(2) - entropy(x0 * kept + (1 - kept) / 2)).sum(1)


def entropy(p: Tensor) -> Tensor:
    """Of a coin, nats."""
    return torch.special.entr(p) + torch.special.entr(1 - p)


def normal(mean: Tensor, std: Tensor) -> Normal:
    return Normal(mean, std.expand_as(mean), validate_args=False)


def coin(p: Tensor) -> Bernoulli:
    return Bernoulli(p, validate_args=False)


def draw(law: Distribution, rng: Rng) -> Tensor:
    if isinstance(law, Normal):
        return law.loc + law.scale * rng.normal_like(law.loc)
    return rng.bernoulli(law.mean)
