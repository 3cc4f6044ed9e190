"""The deep Boltzmann machine's claims, measured where every probability is exact: bars and stripes, layers of 9, 9 and 9."""

import math
from functools import cache

from genviz.claims import Measured, claim
from genviz.claims import _exact as exact
from genviz.data import dataset
from genviz.face import create, preset_for
from genviz.metrics.likelihood import independent
from genviz.models.energy.dbm import DBM
from genviz.run import Run, looking

AISTATS = "Salakhutdinov & Hinton, AISTATS 2009"
PRESET = "bars-and-stripes"
NETWORK = "Bars and stripes of 3 × 3, layers of 9, 9 and 9 units, "
data = cache(dataset)


@cache
def stages(seed: int, preset: str) -> tuple[dict[str, float], DBM]:
    """What the layers that learned alone make together, exactly; and the model at the end of its training."""
    rows = data("bars-and-stripes")
    model = create("dbm", rows, seed, preset=preset)
    assert isinstance(model, DBM)
    run = Run(model, rows, seed)
    run.advance(steps=model.greedy * model.levels if model.pretrain else 0)
    before = compared(model)
    run.advance(steps=preset_for(DBM, rows, preset)[1].steps)
    return before, model


def trained(seed: int) -> DBM:
    return stages(seed, PRESET)[1]


def compared(model: DBM) -> dict[str, float]:
    """Exact log p of all fourteen rows and the bound on it, means in nats; and the most that a bound is above."""
    x = data("bars-and-stripes").x
    with looking(model) as rng:
        exact, bound = model.log_prob(x), model.bound(x, rng)
    return {"log p": exact.mean().item(), "gap": (exact - bound).mean().item(), "most above": (bound - exact).max().item()}


@claim(
    model="dbm",
    says="Layers that learned one by one gain when they learn together, each hearing those above and below.",
    paper=AISTATS,
    measure=NETWORK + "3,000 updates of each layer alone, 5,000 of all: exact log-likelihood of all 14 rows, against that of "
    "the layers put together before they learned together; at least 1 nat. Told besides: the same without layers that learn "
    "alone first, 8,000 updates, which is better.",
    fast=True,
)
def learning_together_beats_layers_alone(seed: int) -> Measured:
    before, model = stages(seed, PRESET)
    plain = compared(stages(seed, "no-pretraining")[1])["log p"]
    details = {"without pre-training": plain, "the best possible": -math.log(14)}
    return Measured(compared(model)["log p"], before["log p"], 1.0, details=details)


@claim(
    model="dbm",
    says="Learned together they come near the distribution itself.",
    paper=AISTATS,
    measure="The same network against independent pixels of the same means: at least 3.14 nats better is at least −3.1, and "
    "−log 14 = −2.64 is the best possible.",
)
def layers_come_near_the_ceiling(seed: int) -> Measured:
    return Measured(compared(trained(seed))["log p"], independent(data("bars-and-stripes").x), 3.14)


@claim(
    model="dbm",
    says="Mean-field settling gives a bound on the likelihood, and a tight one.",
    paper=AISTATS,
    measure="The same network: minus the mean distance of the mean-field bound from the exact log-likelihood; at most 0.05 "
    "nats, and of no row may the bound be above by more than 0.0001.",
)
def the_bound_is_tight(seed: int) -> Measured:
    before, model = stages(seed, PRESET)
    after = compared(model)
    value = -after["gap"] if max(before["most above"], after["most above"]) <= 1e-4 else math.nan  # no bound: never holds
    return Measured(value, 0.0, -0.05, details={"gap of the layers alone": before["gap"], "most above": after["most above"]})


@claim(
    model="dbm",
    says="Annealed importance sampling over the first hidden layer finds the constant Z.",
    paper=AISTATS,
    measure="The same network: minus the distance of log Z, 1,000 temperatures and 100 runs, from the exact sum over the 512 "
    "states of h1; at most 0.2 nats.",
)
def annealing_finds_the_exact_constant(seed: int) -> Measured:
    return exact.annealed(trained(seed), seed, 0.2)
