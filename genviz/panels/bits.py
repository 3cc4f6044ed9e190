"""Rows of bits as a picture: a line for each row."""

from genviz.data import Data
from genviz.layers import Images, Pane
from genviz.model import Model, Samples
from genviz.panels.registry import panel
from genviz.rng import Rng

LINES = 64


@panel("sample")
def raster(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Samples)
    if len(data.spec.shape) > 1 or data.spec.support != "binary":
        return []
    n = min(LINES, len(data.x))
    real = Images(name="data", pixels=data.x[None, :n], columns=1, role="data", static=True, label="data")
    dreamt = Images(name="samples", pixels=model.sample(n, rng)[None], columns=1, label="samples")
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
