"""The course of a race between samplers, which the browser runs itself from the client programs `energy` and `score`.

Here is what does not move: the density as a map, its first marginal, exact draws to begin from. The lanes are in
`stage/frontend/src/race.ts`, and `raceboard.ts` lays them out.
"""

import torch

from genviz.data import Data
from genviz.layers import Curves, Field, Layer, Pane, Points
from genviz.model import Energies, Model, RunsInBrowser
from genviz.panels.registry import panel
from genviz.panels.space import axes, lattice
from genviz.rng import Rng

RACE = "race"
PROGRAMS = ("energy", "score")
SIDE = 160  # places along each axis at which the density is taken
STARTS = 200  # exact draws


@panel("energy", "score", "client")
def race(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Which sampler finds its way, at the same price?"""
    assert isinstance(model, Energies)
    assert isinstance(model, RunsInBrowser)
    if not data.spec.plane or not set(PROGRAMS) <= model.client().keys():
        return []
    frame = axes(data)
    places, area = lattice(frame, SIDE)
    energy, x = model.energy(places).double().reshape(SIDE, SIDE), places[:SIDE, 0]
    density = (energy.min() - energy).exp()
    marginal = density.sum(0) / (density.sum() * (x[1] - x[0]))
    layers: list[Layer] = [
        Field(name="density", values=density.float(), extent=area, role="truth", static=True),
        Curves(name="marginal", xy=torch.stack([x, marginal.float()], 1), role="truth", static=True),
    ]
    if len(data.x):
        layers.append(Points(name="draws", xy=data.x[:STARTS], role="data", static=True))
    return [
        Pane(
            name="race",
            title="Which sampler finds its way, at the same price?",
            layers=layers,
            **frame,
            reads="Coloured marks are chains with the way of their last twelve steps, the large disc is the first. Hollow dots "
            "are proposals, magenta where refused; an indigo line is an orbit of HMC; small dots are the first chain's hotter "
            "replicas, tied where they have just changed places. A ring flashes where a chain enters another mode. Dashed is "
            "the truth.",
            how="All is computed in the browser from the density and its slope; chance is a function of seed, chain and step, "
            "the same in every lane. Effective samples and R-hat are those of arviz, of both halves of each chain.",
            alt="Maps of the target with the chains of each sampler.",
            walks=RACE,
        )
    ]
