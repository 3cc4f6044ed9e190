"""The diffusion model's claims: a bound in bits for a sequence whose entropy is known, and every mode of a mixture."""

import math
from functools import cache
from typing import Any

from genviz.claims import Measured, claim
from genviz.data import Data, Finite, Mixture, dataset
from genviz.face import create, preset_for
from genviz.metrics.likelihood import estimate
from genviz.metrics.mixing import Visits, mmd, perfect_quality, visits
from genviz.models.chains.diffusion import Diffusion
from genviz.rng import Rng
from genviz.run import Run, looking

PAPER = "Sohl-Dickstein, Weiss, Maheswaranathan & Ganguli 2015, arXiv 1503.03585"
DDPM = "Ho, Jain & Abbeel 2020, arXiv 2006.11239"
BEST = -2.440  # bits a sequence: the best that 40 factorised steps back can do (enumerated by the tests of this model)
BITS = math.log(2)
DRAWN = 2000
WHOLE, NOT = 0, -1  # steps of training: the preset's own, or none
data = cache(dataset)


@cache
def trained(name: str, seed: int, steps: int, **knobs: Any) -> Diffusion:
    """The preset of that name, trained for so many steps, `WHOLE` or `NOT` at all."""
    model = create("diffusion", data(name), seed, **knobs)
    assert isinstance(model, Diffusion)
    run = Run(model, data(name), seed)
    if steps != NOT:
        run.advance(steps=steps or preset_for(Diffusion, data(name))[1].steps)
    return model


def mixture(of: Data) -> Mixture:
    assert isinstance(of.density, Mixture)
    return of.density


@cache
def sampled(name: str, seed: int, steps: int = WHOLE, **knobs: Any) -> Visits:
    """Where 2,000 samples of a model trained so fell."""
    model = trained(name, seed, steps, **knobs)
    with looking(model, seed) as rng:
        return visits(model.sample(DRAWN, rng), mixture(data(name)))


# ---------------------------------------------------------------- bits: DIF-1


@claim(
    model="diffusion",
    says="A chain of coin flips, undone step by step, bounds the likelihood of bits nearly as tightly as 40 steps can.",
    paper=PAPER,
    measure="Lower bound K on 1,000 unseen heartbeats of 20 bits (T = 40, 3,000 steps), ten draws of the noise a row, against "
    "independent bits with the right mean; it must not exceed that of the best possible factorised chain (−2.440 bits) by more "
    "than four standard errors. The truth is log₂(1/5) = −2.322 bits.",
    fast=True,
)
def heartbeat_bound(seed: int) -> Measured:
    rows = data("heartbeat")
    model = trained("heartbeat", seed, WHOLE)
    with looking(model, seed) as rng:
        k = estimate(model.bound(rows.test_x, rng, 10) / BITS)
    p = rows.x.mean().item()
    apart = rows.spec.dim * (p * math.log2(p) + (1 - p) * math.log2(1 - p))
    honest = k.mean <= BEST + 4 * k.se  # a bound above the best possible is none: NaN never holds
    value = k.mean if honest else math.nan
    details = {"standard error": k.se, "best with T = 40": BEST, "truth": -math.log2(5)}
    return Measured(value, apart, 11.14, "bits", details)


@claim(
    model="diffusion",
    says="What that chain dreams are beats: every five bits, in every one of the five phases.",
    paper=PAPER,
    measure="Share of 2,000 sampled sequences that are one of the five true ones, 0 if a phase never comes, against "
    "independent bits with the right mean.",
    fast=True,
)
def heartbeat_beats(seed: int) -> Measured:
    rows = data("heartbeat")
    assert isinstance(rows.density, Finite)
    model = trained("heartbeat", seed, WHOLE)
    with looking(model, seed) as rng:
        same = (model.sample(DRAWN, rng)[:, None] == rows.density.states).all(2)
    counts, p = same.sum(0), rows.x.mean().item()
    valid = 100 * same.any(1).float().mean().item() if counts.min() > 0 else 0.0
    apart = 100 * len(counts) * p**4 * (1 - p) ** 16
    details = {f"phase {phase + 1}": float(count) for phase, count in enumerate(counts.tolist())}
    return Measured(valid, apart, 74.98, "%", details)


# ---------------------------------------------------------------- points: DIF-2


@claim(
    model="diffusion",
    says="Undoing the noise finds every mode, sharply.",
    paper=PAPER,
    measure="Share of 2,000 samples within three standard deviations of one of eight Gaussians (T = 50, 3,000 steps), against "
    "the untrained chain with the same noise. It must be 85 % at least with all eight visited, that of the untrained chain at "
    "most 35 %; exact samples reach 98.9 %.",
)
def every_mode(seed: int) -> Measured:
    seen, blind = sampled("8gaussians", seed), sampled("8gaussians", seed, NOT)
    details = {"modes": float(seen.covered), "standard error": 100 * seen.hq_se, "exact": 100 * perfect_quality(2)}
    reached = seen.hq >= 0.85 and seen.covered == 8 and blind.hq <= 0.35  # else NaN, which never holds
    return Measured(100 * seen.hq if reached else math.nan, 100 * blind.hq, 50.0, "%", {"HQ": 100 * seen.hq, **details})


@claim(
    model="diffusion",
    says="It visits the modes in the right proportions.",
    paper=PAPER,
    measure="Minus the total variation between the shares of eight equal Gaussians in 2,000 samples and the truth, at most "
    "0.07. Beside it that of the untrained chain: the few of its samples that fall into modes do so evenly, its cloud "
    "being round, so that it need not be beaten.",
)
def right_weights(seed: int) -> Measured:
    seen, model, law = sampled("8gaussians", seed), trained("8gaussians", seed, WHOLE), mixture(data("8gaussians"))
    with looking(model, seed) as rng:
        distance, se = mmd(model.sample(DRAWN, rng), law.sample(DRAWN, Rng(seed, "exact")))
    details = {"TV": seen.tv, "TV of exact samples": seen.floor, "MMD²": distance, "MMD² standard error": se}
    blind = sampled("8gaussians", seed, NOT)
    return Measured(-seen.tv if seen.tv <= 0.07 else math.nan, -blind.tv, -0.07, "TV", details)


@claim(
    model="diffusion",
    says="The bound stays below the true likelihood, and near it.",
    paper=PAPER,
    measure="Lower bound K on 1,000 unseen rows of eight Gaussians, ten draws of the noise a row, bits a dimension, against "
    "the exact log-density of the same rows; it may be 0.4 below, and not above by more than three standard errors.",
)
def near_the_truth(seed: int) -> Measured:
    rows, model = data("8gaussians"), trained("8gaussians", seed, WHOLE)
    with looking(model, seed) as rng:
        gap = estimate((model.bound(rows.test_x, rng, 10) - mixture(rows).log_prob(rows.test_x)) / BITS / 2)
    truth = mixture(rows).log_prob(rows.test_x).mean().item() / BITS / 2
    k = truth + gap.mean if gap.mean <= 3 * gap.se else math.nan
    return Measured(k, truth, -0.4, "bits a dimension", {"standard error of the gap": gap.se})


# ---------------------------------------------------------------- what did not come by itself


@claim(
    model="diffusion",
    says="Twenty-five small islands need patience: stopped early, the samples are fog between them.",
    paper=PAPER,
    measure="Share of 2,000 samples within three standard deviations of one of 25 Gaussians after 8,000 steps, against the "
    "same after 2,500 (its step size fallen as far).",
)
def patience_clears_the_fog(seed: int) -> Measured:
    whole, short = sampled("grid25", seed), sampled("grid25", seed, 2500, decay=2500)
    details = {"TV": whole.tv, "TV early": short.tv, "modes": float(whole.covered), "modes early": float(short.covered)}
    return Measured(100 * whole.hq, 100 * short.hq, 10.0, "%", details)


@claim(
    model="diffusion",
    says="In the plane, learning mean and variance by the bound is quicker than predicting the noise.",
    paper=DDPM,
    measure="Share of 2,000 samples within three standard deviations of one of 25 Gaussians after 2,500 steps: read-out sd15 "
    "against read-out eps.",
)
def the_bound_is_quicker_than_the_noise(seed: int) -> Measured:
    sd15, eps = (sampled("grid25", seed, 2500, decay=2500, readout=readout) for readout in ("sd15", "eps"))
    details = {"modes": float(sd15.covered), "modes of eps": float(eps.covered), "TV": sd15.tv, "TV of eps": eps.tv}
    return Measured(100 * sd15.hq, 100 * eps.hq, 10.0, "%", details)


@claim(
    model="diffusion",
    says="A schedule that leaves some of the data at the end starts its samples from the wrong cloud, and the bound shows it.",
    paper=PAPER,
    measure="Divergence of the end, KL(q(x_T|x_0) ‖ p(x_T)), bits a row on unseen rows of eight Gaussians with T = 40: of the "
    "erase schedule, against the linear one.",
    fast=True,
)
def erase_leaves_a_rest(seed: int) -> Measured:
    def end(schedule: str) -> float:
        model = trained("8gaussians", seed, NOT, schedule=schedule, T=40)
        return model.noise.end(model.units(data("8gaussians").test_x)).mean().item() / BITS

    return Measured(end("erase"), end("linear"), 0.01, "bits")
