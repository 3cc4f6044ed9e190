"""What a panel is, and how one is registered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from genviz.layers import Kind
from genviz.model import CAPABILITIES, Model

Draw = Callable[..., Any]  # list[Pane], or an iterator of (caption, list[Pane]) for a film
Unless = Callable[[Model], str]


def never(model: Model) -> str:
    return ""


@dataclass(frozen=True)
class Panel:
    """`draw(model, data, rng)` for a recorded panel, `draw(model, data, rng, point)` for an asked one; a film is drawn by
    `draw(model, data, rng, shoot)`, which yields its frames: a caption and the panes of each.

    All need every capability in `needs`. `unless(model)`, asked under `looking`, is "" or a sentence that says why this
    model has no such picture all the same; the pane then says so instead.
    """

    name: str
    needs: tuple[str, ...]
    draw: Draw
    asked: bool = False
    whole: bool = False  # asked of the model, whatever row is chosen
    film: bool = False
    unless: Unless = never
    kind: Kind = "plane"  # of the pane of an asked one
    knobs: tuple[str, ...] | None = None  # of those with looks="chain", what a film reads; None: whatever the chain does

    def fits(self, model: Model) -> bool:
        return all(isinstance(model, CAPABILITIES[need]) for need in self.needs)


@dataclass(frozen=True)
class Shoot:
    """What is asked of a film: the seed of its noise, known values `clamp` (d,), NaN where free, and the row to start from."""

    seed: int = 0
    clamp: Tensor | None = None
    point: int = -1  # of the training rows; −1: where the model itself would start


PANELS: dict[str, Panel] = {}


def panel(
    *needs: str,
    asked: bool = False,
    whole: bool = False,
    film: bool = False,
    unless: Unless = never,
    kind: Kind = "plane",
    knobs: tuple[str, ...] | None = None,
) -> Callable[[Draw], Draw]:
    """Register a panel under its function's name; an asked one also announces an empty pane that the browser fills."""

    def register(draw: Draw) -> Draw:
        PANELS[draw.__name__] = Panel(draw.__name__, needs, draw, asked, whole, film, unless, kind, knobs)
        return draw

    return register
