"""What a panel is, and how one is registered."""

from collections.abc import Callable
from dataclasses import dataclass

from genviz.layers import Pane
from genviz.model import CAPABILITIES, Model

Draw = Callable[..., list[Pane]]
Unless = Callable[[Model], str]


def never(model: Model) -> str:
    return ""


@dataclass(frozen=True)
class Panel:
    """`draw(model, data, rng)` for a recorded panel, `draw(model, data, rng, point)` for an asked one.

    Both need every capability in `needs`. `unless(model)`, asked under `looking`, is "" or a sentence that says why this
    model has no such picture all the same; the pane then says so instead.
    """

    name: str
    needs: tuple[str, ...]
    draw: Draw
    asked: bool = False
    unless: Unless = never

    def fits(self, model: Model) -> bool:
        return all(isinstance(model, CAPABILITIES[need]) for need in self.needs)


PANELS: dict[str, Panel] = {}


def panel(*needs: str, asked: bool = False, unless: Unless = never) -> Callable[[Draw], Draw]:
    """Register a panel under its function's name; an asked one also announces an empty pane that the browser fills."""

    def register(draw: Draw) -> Draw:
        PANELS[draw.__name__] = Panel(draw.__name__, needs, draw, asked, unless)
        return draw

    return register
