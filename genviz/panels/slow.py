"""Slow motion: one update told as captioned moments, from what its `Step` shows."""

import math

import torch
from torch.distributions import Normal

from genviz.data import Data
from genviz.layers import Ellipses, Images, Layer, Pane, Points, Role, Scene
from genviz.model import Decodes, Model, Step
from genviz.panels.space import covariance, pixels
from genviz.run import looking

FEW = 24  # what an eye can follow


def shots(model: Model, data: Data, step: Step) -> list[tuple[str, Scene]]:
    """Captions and what to draw with each, in the order of the update; what a step does not show is left out."""
    show = {name: tensor.detach()[:FEW] for name, tensor in step.show.items()}
    told: list[tuple[str, Pane | None]] = []
    where = "decoded" if isinstance(model, Decodes) else "samples"
    if "x" in show:
        told.append((f"A minibatch arrives: {len(step.show['x'])} rows.", _rows("batch", show["x"], data, "data", where)))
    if "noised" in show:
        told.append(("Each is noised by an amount of its own.", _rows("noised", show["noised"], data, "noise", where)))
    if "h" in show:
        told.append(("Each row switches hidden units on: a board a row, the brighter the surer.", _boards(show["h"], data)))
    for name in show:
        if name.startswith("sweep"):
            drawn = _rows("fantasies", show[name], data, "model", where)
            told.append((f"{name.capitalize()}: features draw a row, and the row draws features.", drawn))
    if "dream" in show:
        drawn = _rows("dreams", show["dream"], data, "model", where)
        told.append(("Nothing is held: each unit in turn listens to all others, and rows are dreamt.", drawn))
    if {"mean", "std"} <= show.keys() and show["mean"].shape[1] == 2:
        told.append(("The encoder guesses a cloud of codes for each row.", _clouds(show["mean"], show["std"])))
    if "z" in show:
        if show["z"].shape[1] == 2:
            told.append(("Noise picks one code from each cloud.", _plane(Points(name="draws", xy=show["z"], role="noise"))))
        if isinstance(model, Decodes):
            with looking(model):
                told.append(
                    (
                        "The decoder draws what each code says.",
                        _rows("decodings", model.decode(show["z"]), data, "model", where),
                    )
                )
    figures = ", ".join(f"{name} {value.item():.4g}" for name, value in step.metrics.items())
    told.append((f"{step.caption} ({figures})", None))
    return [(caption, Scene(panes=[pane] if pane else [])) for caption, pane in told]


def _boards(h: torch.Tensor, data: Data) -> Pane | None:
    """Hidden units as pictures, as square as can be; only where rows are pictures as well."""
    if len(data.spec.shape) != 2:
        return None
    side = math.ceil(math.sqrt(h.shape[1]))
    boards = torch.nn.functional.pad(h, (0, -h.shape[1] % side)).reshape(len(h), -1, side)
    return Pane(name="samples", title="", layers=[Images(name="boards", pixels=boards, columns=6)])


def _rows(name: str, x: torch.Tensor, data: Data, role: Role, pane: str) -> Pane | None:
    if len(data.spec.shape) == 2:
        return Pane(name=pane, title="", layers=[Images(name=name, pixels=pixels(x, data), columns=6)])
    if data.spec.dim == 2:
        return Pane(name="data", title="", layers=[Points(name=name, xy=x, role=role, size=2)])
    return None


def _plane(layer: Layer) -> Pane:
    return Pane(name="plane", title="", layers=[layer])


def _clouds(mean: torch.Tensor, std: torch.Tensor) -> Pane:
    cov = covariance(Normal(mean, std, validate_args=False))
    return _plane(Ellipses(name="clouds", mean=mean, cov=cov, levels=(1.0,)))
