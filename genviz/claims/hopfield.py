"""The Hopfield network's claims, measured on random patterns."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from genviz.claims import Measured, claim
from genviz.data import dataset
from genviz.face import create
from genviz.models.energy.hopfield import Hopfield
from genviz.rng import Rng
from genviz.run import Run, looking

AMIT = "Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 1985"
PERSONNAZ = "Personnaz, Guyon & Dreyfus 1985; Kanter & Sompolinsky, Phys. Rev. A 1987"
RAMSAUER = "Ramsauer et al. 2020"
FIVE = (0, 1, 2, 3, 4)
LAB = "500 units, random patterns, recall of every stored one from 10 % flipped bits, asynchronous"


def spoilt(x: Tensor, share: float, seed: int) -> Tensor:
    """Each bit flipped with that probability."""
    return torch.where(Rng(seed, "flips").uniform(*x.shape) < share, -x, x)


def stored(patterns: int, units: int, seed: int, **knobs: Any) -> tuple[Hopfield, Tensor]:
    """A network that has stored all the rows, and these."""
    rows = dataset("random-patterns", n=patterns, units=units, seed=seed)
    model = create("hopfield", rows, seed, **{"patterns": patterns, **knobs})
    assert isinstance(model, Hopfield)
    Run(model, rows, seed).advance(steps=patterns)
    return model, rows.x


@cache
def overlap(rule: str, alpha: float, seed: int, units: int = 500, share: float = 0.1, patterns: int = 0) -> float:
    """Mean overlap of what recall ends in, within 50 sweeps, with the pattern it began at."""
    model, x = stored(patterns or round(alpha * units), units, seed, rule=rule)
    with looking(model, seed) as rng:
        return (model.settle(spoilt(x, share, seed), rng, 50) * x).mean().item()


@claim(
    model="hopfield",
    says="Hebb's rule holds a tenth as many random patterns as there are units.",
    paper=AMIT,
    measure=f"{LAB}: mean overlap at 0.10 patterns a unit against doing nothing (0.80); at least 0.98.",
    fast=True,
    seeds=FIVE,
)
def hebb_holds_below_the_cliff(seed: int) -> Measured:
    details = {f"Hebb, α = {alpha:g}": overlap("hebb", alpha, seed) for alpha in (0.05, 0.12, 0.138, 0.15, 0.17)}
    return Measured(overlap("hebb", 0.10, seed), 0.80, 0.18, "overlap", details)


@claim(
    model="hopfield",
    says="Above 0.138 patterns a unit the memory breaks, all at once.",
    paper=AMIT,
    measure=f"{LAB}: minus the mean overlap at 0.20 patterns a unit, at most 0.60: below what doing nothing keeps (0.80).",
    fast=True,
    seeds=FIVE,
)
def hebb_breaks_above_the_cliff(seed: int) -> Measured:
    return Measured(-overlap("hebb", 0.20, seed), 0.0, -0.60, "overlap")


@claim(
    model="hopfield",
    says="The pseudo-inverse rule holds them where Hebb's memory is broken.",
    paper=PERSONNAZ,
    measure=f"{LAB}: mean overlap at 0.20 patterns a unit, the same probes, against doing nothing; at least 0.999.",
    fast=True,
    seeds=FIVE,
)
def the_projector_holds_above_it(seed: int) -> Measured:
    details = {"Storkey, the same": overlap("storkey", 0.20, seed), "Hebb, the same": overlap("hebb", 0.20, seed)}
    return Measured(overlap("pinv", 0.20, seed), 0.80, 0.199, "overlap", details)


@claim(
    model="hopfield",
    says="A softmax over the patterns themselves retrieves exponentially many, in one update.",
    paper=RAMSAUER,
    measure="64 units, 1,000 random patterns, 15 % of the bits flipped: share of probes that one update with β = 1, and "
    "the signs, recall bit for bit; at least 0.98.",
    fast=True,
)
def one_update_of_the_modern_net_finds_one_of_a_thousand(seed: int) -> Measured:
    found = {}
    for patterns, beta in ((10_000, 1.0), (1000, 0.25), (1000, 1.0)):
        model, x = stored(patterns, 64, seed, rule="modern", form="dot", beta=beta)
        with looking(model):
            end = (model.attend(spoilt(x, 0.15, seed)) @ model.memories()).sign()
        found[f"β = {beta:g}, {patterns:,} patterns"] = (end == x).all(1).float().mean().item()
    return Measured(found.pop("β = 1, 1,000 patterns"), 0.0, 0.98, "share", found)


@claim(
    model="hopfield",
    says="Of as many patterns the classic network keeps nearly nothing.",
    paper=AMIT,
    measure="The same patterns and probes, Hebb's rule, at most 50 asynchronous sweeps: minus the mean overlap, at most 0.30; "
    "doing nothing keeps 0.70.",
    fast=True,
)
def the_classic_net_cannot(seed: int) -> Measured:
    return Measured(-overlap("hebb", 0.0, seed, 64, 0.15, 1000), 0.0, -0.30, "overlap")
