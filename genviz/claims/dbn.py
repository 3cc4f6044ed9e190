"""The deep belief network's claims: what a second level adds, measured exactly; and chains that walk higher up."""

import math
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import torch

from genviz.claims import Measured, claim
from genviz.claims._exact import trained
from genviz.data import dataset
from genviz.face import create, preset_for
from genviz.metrics.chains import hops, visited
from genviz.metrics.likelihood import parzen
from genviz.metrics.partition import remembered
from genviz.metrics.reading import reader
from genviz.models.energy.dbn import DBN
from genviz.rng import Rng
from genviz.run import Run, looking

HINTON = "Hinton, Osindero & Teh, Neural Computation 2006"
BENGIO = "Bengio, Mesnil, Dauphin & Rifai, ICML 2013"
CHAINS, SWEEPS, EVERY, WIDTH, SAMPLES, BURNT = 100, 500, 5, 0.2, 2000, 100
data = cache(dataset)


def exact(model: DBN, x: torch.Tensor) -> tuple[float, float, float]:
    """log p and the variational bound, means over the rows, and the smallest of log p less bound; exact sums, nats."""
    with looking(model):
        log_z = remembered(model.stack.top).log_z
        found, bound = model.stack.log_star(x) - log_z, model.stack.exact_bound(x) - log_z
    return found.mean().item(), bound.mean().item(), (found - bound).min().item()


@cache
def grown(seed: int, start: str = "transposed") -> dict[str, tuple[float, float, float]]:
    """`exact` of bars and stripes: after the first level, when the second was added, and when it has learned."""
    rows = data("bars-and-stripes")
    model = create("dbn", rows, seed, preset="bars-and-stripes", start=start)
    assert isinstance(model, DBN)
    run = Run(model, rows, seed)
    run.advance(until=model.updates)
    found = {"first": exact(model, rows.x)}
    added = deepcopy(model)
    added.stack.add(1, rows.x, None, start == "transposed")
    found["added"] = exact(added, rows.x)
    run.advance(until=preset_for(DBN, rows, "bars-and-stripes")[1].steps)
    return found | {"second": exact(model, rows.x)}


@cache
def alone(seed: int, algorithm: str, updates: int) -> float:
    """The exact log-likelihood of a single level that learned for so long."""
    rows = data("bars-and-stripes")
    model = create("dbn", rows, seed, preset="bars-and-stripes", first=algorithm, updates=updates)
    assert isinstance(model, DBN)
    Run(model, rows, seed).advance(until=updates)
    return exact(model, rows.x)[0]


@claim(
    model="dbn",
    says="A second level that begins as the first one turned over makes the data likelier than any training of the first.",
    paper=HINTON,
    measure="Exact log-likelihood of all 14 bars and stripes of 3 × 3: a network 9-9-9 (first level CD-1, 10,000 updates; "
    "second PCD-1, 112 chains, 8,000) against the better of its own first level alone and one trained twice as long. It counts "
    "only if before its learning the second level changes neither log p nor the bound by 0.001, and afterwards no pattern's "
    "bound is above its log p by 0.0001.",
    fast=True,
)
def a_second_level_raises_the_likelihood(seed: int) -> Measured:
    found = grown(seed)
    (first, _, _), (added, tight, _), (second, bound, least) = found["first"], found["added"], found["second"]
    longer = alone(seed, "cd", 20_000)
    sound = abs(added - first) < 1e-3 and abs(tight - added) < 1e-3 and least > -1e-4
    details = {
        "first level alone": first,
        "first level, twice as long": longer,
        "the bound": bound,
        "a single PCD-1 level": alone(seed, "pcd", 10_000),
        "second level from a random start": grown(seed, "random")["second"][0],
        "its bound": grown(seed, "random")["second"][1],
        "the best possible": -math.log(14),
    }
    return Measured(second if sound else math.nan, max(first, longer), 0.15, details=details)


# ---------------------------------------------------------------- chains at each level


@dataclass(frozen=True)
class Walk:
    """What chains of one level did: class changes a kept state, classes a chain, and the Parzen score of its samples, nats."""

    changes: float
    classes: float
    parzen: float


@dataclass(frozen=True)
class Walks:
    """Those of each level, the lowest first; the score of as many real rows, and the reader's accuracy on real ones."""

    levels: tuple[Walk, ...]
    real: float
    accuracy: float

    @property
    def ratio(self) -> float:
        """Class changes of the highest level over those of the lowest."""
        return self.levels[-1].changes / max(self.levels[0].changes, 1e-9)


@cache
def mixing(seed: int) -> Walks:
    """Chains in each level of MNIST's 784-256-256-128, painted down to pixels: shared with the claim of deep mixing of MCMC.

    Class changes: 100 chains from test pictures, 500 sweeps, every fifth state read by logistic regression of real ones.
    Parzen: 2,000 chains from training pictures, 100 sweeps, bandwidth 0.2, on 2,000 test pictures.
    """
    rows = data("mnist")
    model, reads, x = trained("dbn", "mnist-deep", rows, seed), reader(rows), rows.test_x[:SAMPLES]
    levels: list[Walk] = []
    classes = rows.spec.classes
    with looking(model):
        starts, many = rows.seen(model, CHAINS, "test"), rows.seen(model, SAMPLES)
        for level in range(1, model.levels + 1):
            cut = model.upto(level)
            states = islice(cut.chain(CHAINS, Rng(seed, "walk", level), starts), EVERY, SWEEPS + 1, EVERY)
            read = torch.stack([reads.read(state.aux["p"]) for state in states], 1)
            last = next(islice(cut.chain(SAMPLES, Rng(seed, "samples", level), many), BURNT, None))
            classes_seen = visited(read, classes)[:, -1].double().mean().item()
            levels.append(Walk(hops(read, classes).rate, classes_seen, parzen(last.aux["p"], x, WIDTH).found.mean))
    return Walks(tuple(levels), parzen(rows.x[:SAMPLES], x, WIDTH).found.mean, reads.accuracy)


def told(found: Walks) -> dict[str, Any]:
    """All of it, by name."""
    figures: dict[str, float] = {}
    for place, walk in enumerate(found.levels, 1):
        figures |= {f"class changes, level {place}": walk.changes, f"classes a chain, level {place}": walk.classes}
        figures |= {f"Parzen, level {place}": walk.parzen}
    return figures | {"Parzen, real training pictures": found.real, "reader's accuracy": found.accuracy}


@claim(
    model="dbn",
    says="A chain in the highest level changes class more often than one in the lowest.",
    paper=BENGIO,
    measure="MNIST, 784-256-256-128, CD-1, 8 epochs a level: the rate of class changes between states five sweeps apart, 100 "
    "chains from test pictures, 500 sweeps, read by logistic regression; level 3 over level 1, against 1.",
)
def higher_chains_change_class_more_often(seed: int) -> Measured:
    return Measured(mixing(seed).ratio, 1.0, 0.15, "times", told(mixing(seed)))


@claim(
    model="dbn",
    says="What chains in the highest level dream covers unseen pictures better.",
    paper=BENGIO,
    measure="The same network: Parzen score of 2,000 samples, 100 sweeps from training pictures, bandwidth 0.2, on 2,000 test "
    "pictures; level 3 against level 1. The score of 2,000 real pictures is told beside it.",
)
def higher_chains_cover_more(seed: int) -> Measured:
    found = mixing(seed)
    return Measured(found.levels[-1].parzen, found.levels[0].parzen, 12.0, details=told(found))
