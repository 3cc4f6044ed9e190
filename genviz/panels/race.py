"""The course of a race between samplers, which the browser runs itself from the client programs `energy` and `score`.

Here is what does not move: the density as a map, its first marginal, exact draws to begin from. The lanes are in
`stage/frontend/src/race.ts`, and `raceboard.ts` lays them out.
"""

import torch

from genviz.data import Data
from genviz.layers import Curves, Field, Layer, Pane, Points
from genviz.model import Energies, Model, RunsInBrowser
from genviz.panels.registry import panel
from genviz.panels.space import axes
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
    if data.spec.shape != (2,) or data.spec.support != "real" or not set(PROGRAMS) <= model.client().keys():
        return []
    frame = axes(data)
    (x0, x1), (y0, y1) = frame["x"], frame["y"]
    x, y = torch.linspace(x0, x1, SIDE), torch.linspace(y0, y1, SIDE)
    places = torch.cartesian_prod(x, y)
    energy = model.energy(places).double().reshape(SIDE, SIDE)  # x first
    density = (energy.min() - energy).exp()
    marginal = density.sum(1) / (density.sum() * (x[1] - x[0]))
    layers: list[Layer] = [
        Field(name="density", values=density.T.float().contiguous(), extent=(x0, x1, y0, y1), role="truth", static=True),
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
            reads="Each lane has chains of one sampler on the same target. Coloured marks are chains with the way of their "
            "last twelve steps, hollow dots what the last step proposed.",
            how="All is computed in the browser from the density and its slope; chance is a function of seed, chain and step.",
            alt="Maps of the target with the chains of each sampler.",
            walks=RACE,
        )
    ]
