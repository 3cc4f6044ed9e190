"""Slow motion: one update told as captioned moments, from what its `Step` shows."""

import torch

from genviz.data import Data
from genviz.layers import Ellipses, Images, Layer, Pane, Points, Role, Scene
from genviz.model import Decodes, Model, Step
from genviz.panels.space import pixels
from genviz.run import looking

FEW = 24  # what an eye can follow


def shots(model: Model, data: Data, step: Step) -> list[tuple[str, Scene]]:
    """Captions and what to draw with each, in the order of the update; what a step does not show is left out."""
    show = {name: tensor.detach()[:FEW] for name, tensor in step.show.items()}
    told: list[tuple[str, Pane | None]] = []
    if "x" in show:
        told.append((f"A minibatch arrives: {len(step.show['x'])} rows.", _rows("batch", show["x"], data, "data")))
    if "noised" in show:
        told.append(("Each is noised by an amount of its own.", _rows("noised", show["noised"], data, "noise")))
    if {"mean", "std"} <= show.keys() and show["mean"].shape[1] == 2:
        told.append(("The encoder guesses a cloud of codes for each row.", _clouds(show["mean"], show["std"])))
    if "z" in show:
        if show["z"].shape[1] == 2:
            told.append(("Noise picks one code from each cloud.", _plane(Points(name="draws", xy=show["z"], role="noise"))))
        if isinstance(model, Decodes):
            with looking(model):
                told.append(
                    ("The decoder draws what each code says.", _rows("decodings", model.decode(show["z"]), data, "model"))
                )
    figures = ", ".join(f"{name} {value.item():.4g}" for name, value in step.metrics.items())
    told.append((f"{step.caption} ({figures})", None))
    return [(caption, Scene(panes=[pane] if pane else [])) for caption, pane in told]


def _rows(name: str, x: torch.Tensor, data: Data, role: Role) -> Pane | None:
    if len(data.spec.shape) == 2:
        return Pane(name="decoded", title="", layers=[Images(name=name, pixels=pixels(x, data), columns=6)])
    if data.spec.dim == 2:
        return Pane(name="data", title="", layers=[Points(name=name, xy=x, role=role, size=2)])
    return None


def _plane(layer: Layer) -> Pane:
    return Pane(name="plane", title="", layers=[layer])


def _clouds(mean: torch.Tensor, std: torch.Tensor) -> Pane:
    cov = torch.stack([std[:, 0] ** 2, torch.zeros(len(std)), std[:, 1] ** 2], 1)
    return _plane(Ellipses(name="clouds", mean=mean, cov=cov, levels=(1.0,)))
