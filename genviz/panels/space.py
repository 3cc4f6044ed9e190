"""Pictures in the space of the data: what the model makes beside the real thing."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.layers import Arrows, Decode, Images, Layer, Pane, Points
from genviz.model import Chains, Decodes, Dreams, Encodes, HasMemories, Model, Reconstructs, RunsInBrowser, Samples
from genviz.panels.registry import panel
from genviz.rng import Rng

SHOWN = 500  # points: enough to see a density, few enough to send 200 times
CHAINED = 250  # samples, where each is a whole chain
TILES = 36  # pictures that a model dreams up
ALIKE = 5  # times longer may one column be than the other, for both to have one scale


def pixels(x: Float[Tensor, "n d"], data: Data) -> Float[Tensor, "n h w"]:
    return x.reshape(-1, *data.spec.shape)


def picture(data: Data) -> tuple[int, int]:
    """Height and width of a row as a picture: a row of numbers is one line."""
    return (data.spec.shape[0], data.spec.shape[1]) if len(data.spec.shape) == 2 else (1, data.spec.dim)


def covariance(law: Any) -> Float[Tensor, "n 3"]:
    """xx, xy, yy of a normal with independent columns, as ellipses want it: batch shape (n, 2)."""
    xx, yy = law.variance[:, :2].unbind(1)
    return torch.stack([xx, torch.zeros_like(xx), yy], 1)


def limits(x: Float[Tensor, "n 2"], margin: float = 0.15) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axes of a plane of points: their range and a margin, equal in scale if the columns' spans are at all alike."""
    low, high = x.double().amin(0), x.double().amax(0)
    half = (high - low) / 2 * (1 + margin)
    half = half.where(half > 0, torch.ones_like(half))  # a constant column lies in the middle
    if half.max() <= ALIKE * half.min():
        half = half.max().expand(2)
    middle = (low + high) / 2
    (a, b), (c, d) = torch.stack([middle - half, middle + half], 1).tolist()
    return (a, b), (c, d)


def flat(x: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
    """The first two columns, or the only one on a line."""
    return x[:, :2] if x.shape[1] > 1 else torch.cat([x, torch.zeros_like(x)], 1)


def axes(data: Data) -> dict[str, Any]:
    """The frame of a pane in which rows of data are points."""
    x, y = limits(flat(data.x))
    across, up = (*data.columns, "", "")[:2]
    return {"x": x, "y": y, "x_label": across, "y_label": up if data.spec.dim > 1 else "", "line": data.spec.dim == 1}


def lattice(frame: dict[str, Any], side: int) -> tuple[Float[Tensor, "n 2"], tuple[float, float, float, float]]:
    """Points all over the axes `frame`, row by row from below, as the values of a `Field` want them; and its extent."""
    (x0, x1), (y0, y1) = frame["x"], frame["y"]
    places = torch.cartesian_prod(torch.linspace(y0, y1, side), torch.linspace(x0, x1, side)).flip(1)
    return places, (x0, x1, y0, y1)


def reach(size: float) -> float:
    """The next of 1, 2, 5, 10, … above: a scale grows in jumps, so that it does not breathe."""
    decade = 10.0 ** math.floor(math.log10(max(size, 1e-6)))
    return next(step * decade for step in (1.0, 2.0, 5.0, 10.0) if step * decade >= size)


def signed(name: str, values: Float[Tensor, "n h w"], **how: Any) -> Images:
    """Pictures of signed numbers, from minus to plus the largest, rounded up; ½ is zero."""
    scale = reach(values.abs().max().item() if values.numel() else 1.0)
    return Images(name=name, pixels=(0.5 + values / (2 * scale)).clamp(0, 1), diverging=scale, **how)


def part(data: Data) -> str:
    """Which columns such a pane shows, if not all of them."""
    return f" These are the first two of {data.spec.dim} columns." if data.spec.dim > 2 else ""


def real(data: Data) -> Points:
    """The data themselves; a click chooses a row."""
    return Points(name="data", xy=flat(data.x[:SHOWN]), role="data", static=True, label="data", pick=True)


def made(model: Model, n: int, rng: Rng) -> Float[Tensor, "n d"]:
    """Rows that the model makes, as fast as each frame needs them."""
    if isinstance(model, Dreams):
        return model.dream(n, rng)
    assert isinstance(model, Samples)
    return model.sample(n, rng)


@panel("sample")
def data(model: Model, data: Data, rng: Rng) -> list[Pane]:
    if len(data.spec.shape) == 2:
        return [_pictures(made(model, TILES, rng), data, isinstance(model, Decodes), isinstance(model, HasMemories))]
    many = CHAINED if isinstance(model, Chains) and not isinstance(model, Dreams) else SHOWN
    samples = Points(name="samples", xy=flat(made(model, many, rng)), role="model", label="samples")
    layers: list[Layer] = [real(data), samples]
    reads = "Teal dots are data, orange rings are what the model makes; where they differ it is wrong."
    if isinstance(model, Reconstructs):
        few = data.seen(model, 120)
        end = flat(model.reconstruct(few))
        layers.append(Arrows(name="arrows", start=flat(few), end=end, label="reconstruction", hidden=True))
    if isinstance(model, Decodes) and isinstance(model, RunsInBrowser):
        if data.spec.dim == 2:
            layers.append(Decode(name="mesh", at="mesh", side=21, label="decoded plane", hidden=True))
        if isinstance(model, Encodes):
            layers.append(Decode(name="reconstructed", at="selection", label="its reconstruction"))
            reads += " Click a dot to see where the model puts it."
        layers.append(Decode(name="decoded", at="cursor"))
    return [
        Pane(
            name="data",
            title="Does it make what the data are?",
            layers=layers,
            **axes(data),
            reads=reads + part(data),
            how=f"The first {min(SHOWN, len(data.x))} training rows; {many} samples, from the same draws at every step.",
            alt=f"Training points of {data.name} and points sampled from the model, on the same axes.",
        )
    ]


def _pictures(x: Float[Tensor, "n d"], data: Data, decoded: bool, remembers: bool) -> Pane:
    drawn = f"The mean of p(x|z), a probability for each pixel, for the same {TILES} draws of z at every step."
    if not decoded:
        drawn = f"{TILES} samples, a probability for each pixel where it has one, with the same random draws at every step."
    return Pane(
        name="samples",
        title="What does it dream up?",
        kind="images",
        layers=[Images(name="samples", pixels=pixels(x, data), columns=12 if decoded else 0)],
        reads=(
            "Each picture is decoded from a code drawn from the prior; the codes "
            "stay the same while training changes the pictures."
            if decoded
            else "Where it takes noise: to rows that it stores, their inverses, or mixtures that nobody stored."
            if remembers
            else "Pictures that the model makes by itself at this step; none of them is a picture of the data."
        ),
        how=drawn,
        alt=f"{TILES} pictures sampled from the model.",
    )
