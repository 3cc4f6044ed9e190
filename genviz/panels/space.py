"""Pictures in the space of the data: what the model makes beside the real thing."""

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.layers import Arrows, Decode, Images, Layer, Pane, Points
from genviz.model import Decodes, Model, Reconstructs, RunsInBrowser, Samples
from genviz.panels.registry import panel
from genviz.rng import Rng

SHOWN = 500  # points: enough to see a density, few enough to send 200 times
TILES = 36


def pixels(x: Float[Tensor, "n d"], data: Data) -> Float[Tensor, "n h w"]:
    return x.reshape(-1, *data.spec.shape)


def limits(x: Float[Tensor, "n 2"], margin: float = 0.15) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axes of a plane of points: their range and a margin, equal in scale."""
    low, high = x.amin(0), x.amax(0)
    middle, half = (low + high) / 2, (high - low).max() / 2 * (1 + margin)
    (a, b), (c, d) = torch.stack([middle - half, middle + half], 1).tolist()
    return (a, b), (c, d)


@panel("sample")
def data(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Samples)
    if len(data.spec.shape) == 2:
        return [_pictures(model.sample(TILES, rng), data)]
    d = data.spec.dim
    x, y = limits(flat(data.x))
    real = Points(name="data", xy=flat(data.x[:SHOWN]), role="data", static=True, label="data")
    layers: list[Layer] = [real, Points(name="samples", xy=flat(model.sample(SHOWN, rng)), role="model", label="samples")]
    if isinstance(model, Reconstructs):
        few = data.seen(model, 120)
        end = flat(model.reconstruct(few))
        layers.append(Arrows(name="arrows", start=flat(few), end=end, label="reconstruction", hidden=True))
    if d == 2 and isinstance(model, Decodes) and isinstance(model, RunsInBrowser):
        layers += [
            Decode(name="mesh", at="mesh", side=21, label="decoded plane", hidden=True),
            Decode(name="decoded", at="cursor"),
        ]
    part = f" These are the first two of {d} columns." if d > 2 else ""
    return [
        Pane(
            name="data",
            title="Does it make what the data are?",
            layers=layers,
            x=x,
            y=y,
            line=d == 1,
            x_label=data.columns[0] if data.columns else "",
            y_label=data.columns[1] if len(data.columns) > 1 else "",
            reads="Teal dots are data, orange rings are what the model makes; where they differ it is wrong." + part,
            how=f"The first {SHOWN} training rows; {SHOWN} samples from the same latent draws at every step.",
            alt=f"Training points of {data.name} and points sampled from the model, on the same axes.",
        )
    ]


def flat(x: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
    """The first two columns, or the only one on a line."""
    return x[:, :2] if x.shape[1] > 1 else torch.cat([x, torch.zeros_like(x)], 1)


def _pictures(x: Float[Tensor, "n d"], data: Data) -> Pane:
    return Pane(
        name="samples",
        title="What does it dream up?",
        kind="images",
        layers=[Images(name="samples", pixels=pixels(x, data), columns=12)],
        reads=(
            "Each picture is decoded from a code drawn from the prior; the codes "
            "stay the same while training changes the pictures."
        ),
        how="The mean of p(x|z), a probability for each pixel, for the same 36 draws of z at every step.",
        alt=f"{TILES} pictures sampled from the model.",
    )
