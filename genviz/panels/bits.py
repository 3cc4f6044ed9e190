"""Rows of bits as a picture: a line for each row. And as the numbers of states, where all can be listed."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data import Data
from genviz.layers import Images, Pane
from genviz.model import Model
from genviz.panels.registry import panel
from genviz.panels.space import made
from genviz.rng import Rng

LINES = 64
LISTED = 10  # bits of which all states can be recorded with every frame


def places(rows: Float[Tensor, "n d"]) -> Int[Tensor, " n"]:
    """The number of each row's state: the first bit is the highest."""
    return (rows > 0.5).long() @ 2 ** torch.arange(rows.shape[1] - 1, -1, -1)


@panel("sample")
def raster(model: Model, data: Data, rng: Rng) -> list[Pane]:
    if len(data.spec.shape) > 1 or data.spec.support != "binary":
        return []
    n = min(LINES, len(data.x))
    real = Images(name="data", pixels=data.x[None, :n], columns=1, role="data", static=True, label="data")
    dreamt = Images(name="samples", pixels=made(model, n, rng)[None], columns=1, label="samples")
    return [
        Pane(
            name="raster",
            title="Do its rows look like the data's?",
            kind="images",
            layers=[real, dreamt],
            reads="Every line is a row of bits: left the data, right what the model makes.",
            how=f"The first {n} training rows; {n} samples from the same draws at every step.",
            alt="Two pictures whose lines are rows of bits.",
        )
    ]
