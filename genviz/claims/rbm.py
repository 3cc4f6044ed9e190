"""The restricted Boltzmann machine's claims, measured where every probability is exact."""

import math
from functools import cache, partial

import torch
from torch.distributions import MultivariateNormal

from genviz.claims import Measured, claim
from genviz.claims import _exact as exact
from genviz.data import dataset
from genviz.metrics.likelihood import independent
from genviz.models.energy.rbm import RBM
from genviz.run import looking

TIELEMAN = "Tieleman, ICML 2008"
SALAKHUTDINOV = "Salakhutdinov & Murray, ICML 2008"
FISCHER = "Fischer & Igel 2010; Desjardins et al., AISTATS 2010"
CHO = "Cho, Ilin & Raiko, ICANN 2011"
STEEP = {"decay": 0, "chains": 30}  # a constant rate and few chains
data = cache(dataset)


trained = cache(partial(exact.trained, "rbm"))  # of a preset's name, rows, seed, other knobs


def log_likelihood(model: RBM, x: torch.Tensor) -> float:
    """Exact, a mean over the rows, nats."""
    with looking(model):
        return model.log_prob(x).mean().item()


@claim(
    model="rbm",
    says="Annealed importance sampling finds the constant Z that makes an energy a probability.",
    paper=SALAKHUTDINOV,
    measure="Digits, 10 hidden units: minus the distance between log Z estimated with 1,000 temperatures and 100 runs and the "
    "exact sum over 1,024 states; at most 0.1 nats.",
    fast=True,
)
def annealing_finds_the_exact_constant(seed: int) -> Measured:
    return exact.annealed(trained("digits", data("digits"), seed, hidden=10), seed, 0.1)


@claim(
    model="rbm",
    says="Chains that go on from update to update learn better than chains that start at the data each time.",
    paper=TIELEMAN,
    measure="Exact log-likelihood of all 14 bars and stripes of 3 × 3 after 10,000 updates with 9 hidden units and a rate "
    "falling from 0.1 to 0: persistent chains (PCD-1, 100 chains) against contrastive divergence (CD-1, momentum 0.5).",
    fast=True,
)
def persistent_chains_beat_short_ones(seed: int) -> Measured:
    rows = data("bars-and-stripes")
    pcd, cd = (log_likelihood(trained(preset, rows, seed), rows.x) for preset in ("bars-and-stripes", "cd-1"))
    return Measured(pcd, cd, 0.2, details={"the best possible": -math.log(14), "independent pixels": independent(rows.x)})


@claim(
    model="rbm",
    says="With persistent chains a restricted Boltzmann machine comes near the distribution itself.",
    paper=TIELEMAN,
    measure="The same PCD-1 against independent pixels of the same means; at least 3.29 nats better is at least −2.95, and "
    "−log 14 = −2.64 is the best possible.",
)
def persistent_chains_come_near_the_ceiling(seed: int) -> Measured:
    rows = data("bars-and-stripes")
    return Measured(log_likelihood(trained("bars-and-stripes", rows, seed), rows.x), independent(rows.x), 3.29)


@claim(
    model="rbm",
    says="Where persistent chains collapse under a high constant rate, tempered ones do not.",
    paper=FISCHER,
    measure="Exact log-likelihood of all 30 bars and stripes of 4 × 4 after 10,000 updates at the constant rate 0.1 with 12 "
    "hidden units and 30 chains: parallel tempering (10 temperatures) against PCD-1, which must fall to −7 or below. 2.7 nats "
    "are those from −7 to −4.3.",
)
def tempering_rescues_a_high_constant_rate(seed: int) -> Measured:
    rows = data("bars-and-stripes:side=4")
    found = {
        name: trained("bars-and-stripes-4x4", rows, seed, algorithm=algorithm, k=k, **STEEP)
        for name, algorithm, k in (("PT", "pt", 1), ("PCD-1", "pcd", 1), ("CD-1", "cd", 1), ("FPCD-1", "fpcd", 1))
    }
    figures = {name: log_likelihood(model, rows.x) for name, model in found.items()}
    lost = {
        f"{name}, squared error of reconstruction": (model.reconstruct(rows.x) - rows.x).square().sum(1).mean().item()
        for name, model in found.items()
    }
    value = figures["PT"] if figures["PCD-1"] <= -7 else math.nan  # nothing to rescue: NaN never holds
    return Measured(value, figures["PCD-1"], 2.7, details={**figures, **lost, "the best possible": -math.log(30)})


@claim(
    model="rbm",
    says="Tempered chains learn on at a rate at which others fall.",
    paper=FISCHER,
    measure="The same tempered machine against independent pixels of the same means; at least 6.79 nats better is at least "
    "−4.3, the best possible is −log 30 = −3.40.",
)
def tempering_stays_up(seed: int) -> Measured:
    rows = data("bars-and-stripes:side=4")
    model = trained("bars-and-stripes-4x4", rows, seed, algorithm="pt", k=1, **STEEP)
    return Measured(log_likelihood(model, rows.x), independent(rows.x), 6.79)


@claim(
    model="rbm",
    says="With real-valued units it is a mixture of Gaussians that share their features; σ and the first weights decide "
    "whether it beats even a single one.",
    paper=CHO,
    measure="Exact held-out log-likelihood of 1,000 points of two moons, 12 hidden units, against one Gaussian with full "
    "covariance. Told besides: the same with σ = 0.2 and small first weights, which does not beat it.",
    fast=True,
)
def many_gaussians_beat_one(seed: int) -> Measured:
    rows = data("moons")
    wide, narrow = (log_likelihood(trained(preset, rows, seed), rows.test_x) for preset in ("moons", "moons-narrow"))
    one = MultivariateNormal(rows.x.mean(0), rows.x.T.cov()).log_prob(rows.test_x).mean().item()
    return Measured(wide, one, 0.4, details={"σ too small": narrow, "σ too small, less one Gaussian": narrow - one})
