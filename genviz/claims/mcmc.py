"""The claims about samplers: who finds far modes, in which proportions, and what a deeper space does to it."""

import math
from functools import cache
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.claims import Measured, claim
from genviz.data import Data, dataset
from genviz.data.mixtures import Mixture
from genviz.face import create
from genviz.metrics.chains import visited
from genviz.metrics.mixing import assign
from genviz.models.chains.mcmc import MCMC
from genviz.rng import Rng
from genviz.run import looking

GEYER = "Swendsen & Wang, Physical Review Letters 1986; Geyer 1991"
BENGIO = "Bengio, Mesnil, Dauphin & Rifai, ICML 2013"
GRID, BUDGET, CHAINS = "grid25:spacing=4,s=0.3", 10_000, 5
# What 10,000 evaluations of a chain are spent on: steps, and what each of them costs.
SPENT: dict[str, tuple[int, dict[str, Any]]] = {
    "MH": (10_000, {"sampler": "mh", "eps": 0.5}),
    "MALA": (10_000, {"sampler": "mala", "eps": 0.4}),
    "HMC": (500, {"sampler": "hmc", "eps": 0.15, "leapfrog": 20}),
    "PT, 8 replicas": (1250, {"sampler": "pt", "eps": 0.5, "temperatures": 8, "hottest": 10**-2.4}),
    "PT, 5 replicas": (2000, {"sampler": "pt", "eps": 0.5, "temperatures": 5, "hottest": 10**-2.0}),
}
data = cache(dataset)


def walked(rows: Data, seed: int, name: str, start: Tensor, steps: int, **knobs: Any) -> tuple[Float[Tensor, "c t d"], float]:
    """The states of a batch of chains that begin at `start`, and how many of their proposals were accepted."""
    model = create("mcmc", rows, seed, **knobs)
    assert isinstance(model, MCMC)
    with looking(model):
        states = [*islice(model.chain(len(start), Rng(seed, "claim", name), start), 1, steps + 1)]
    return torch.stack([state.x for state in states], 1), torch.stack([s.aux["accepted"] for s in states]).mean().item()


@claim(
    model="mcmc",
    says="Chains that swap places with hotter ones find every mode, where local steps, uphill steps and orbits stay in one.",
    paper=GEYER,
    measure="25 Gaussians of width 0.3 on a grid of spacing 4, five chains from N(0, 0.3²) round the one in the middle, 10,000 "
    "evaluations a chain: the fewest modes that a tempered chain visits (8 or 5 temperatures; at least 23), against the most "
    "that a chain of Metropolis, MALA or HMC does (at most 3). Of an orbit its end alone counts.",
)
def tempering_finds_every_mode(seed: int) -> Measured:
    rows, modes, accepted = data(GRID), {}, {}
    law = rows.density
    assert isinstance(law, Mixture)
    for name, (steps, knobs) in SPENT.items():
        start = 0.3 * Rng(seed, "start", name).normal(CHAINS, 2)
        x, accepted[name] = walked(rows, seed, name, start, steps, **knobs)
        k = assign(x.flatten(0, 1), law).view(CHAINS, -1)
        modes[name] = visited(k, len(law.weights))[:, -1]
    hot, cold = ([found for name, found in modes.items() if name.startswith("PT") == tempered] for tempered in (True, False))
    fewest, most = min(int(found.min()) for found in hot), max(int(found.max()) for found in cold)
    details = {f"{name}, modes of a chain": found.double().mean().item() for name, found in modes.items()}
    details |= {f"{name}, share accepted": share for name, share in accepted.items()}
    return Measured(fewest if fewest >= 23 and most <= 3 else math.nan, most, 20.0, "modes", details)


@claim(
    model="mcmc",
    says="A tempered chain is in each of two far modes as often as it should be.",
    paper=GEYER,
    measure="Gaussians of width 0.5 at −4 and 4 with weights 0.2 and 0.8; 20 chains from between them, 6 temperatures, 3,000 "
    "steps, the first 500 left out: minus the distance of the share of states on the right from 0.8, at most 0.03. "
    "A Metropolis chain from the left mode must stay there.",
    fast=True,
)
def tempering_weighs_modes_rightly(seed: int) -> Measured:
    rows, steps, burn = data("two-modes"), 3000, 500
    ladder: dict[str, Any] = {"sampler": "pt", "eps": 0.8, "temperatures": 6, "hottest": 0.01}
    x, _ = walked(rows, seed, "PT", torch.zeros(20, 2), steps, **ladder)
    local, _ = walked(rows, seed, "MH", torch.tensor([[-4.0, 0.0]]).expand(20, 2), steps, sampler="mh", eps=0.8)
    right, stuck = ((walk[:, burn:, 0] > 0).double().mean(1) for walk in (x, local))
    error = right.std().item() / len(right) ** 0.5
    details = {
        "share on the right": right.mean().item(),
        "its standard error over chains": error,
        "Metropolis": stuck.mean().item(),
    }
    miss = abs(right.mean().item() - 0.8)
    return Measured(-miss if float(stuck.max()) == 0 else math.nan, 0.0, -0.03, "", details)


@claim(
    model="mcmc",
    says="A chain in a deeper layer of a network changes class more often than one next to the pixels.",
    paper=BENGIO,
    measure="MNIST, a deep belief network 784-256-256-128: the rate of class changes between states five sweeps apart, 100 "
    "chains from test pictures, read by logistic regression; level 3 over level 1, against 1.",
)
def chains_in_a_deeper_layer_mix_better(seed: int) -> Measured:
    from genviz.claims.dbn import mixing, told  # one network serves this claim and those of its own page

    return Measured(mixing(seed).ratio, 1.0, 0.15, "times", told(mixing(seed)))
