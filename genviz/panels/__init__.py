"""Capability → layers. A panel names what it needs of a model, never a model; where the need is met, the picture appears.

Three kinds: a *recorded* panel is drawn at each frame of a run; an *asked* one is computed by the server when a person asks
for it, for the point she chose, from the keyframe at the playhead; a *film* is a recording of its own, a frame for each
state of the model's chain at that keyframe.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from genviz.data import Data
from genviz.layers import Pane, Scene
from genviz.model import BadInput, HasLayers, Knob, Model, RunsInBrowser, nearest
from genviz.panels.registry import PANELS, Panel, Shoot
from genviz.panels.slow import shots
from genviz.run import looking

__all__ = ["Shoot", "film", "films_of", "look", "scene", "shots"]


@cache
def discovered() -> dict[str, Panel]:
    for found in pkgutil.iter_modules(__path__, "genviz.panels."):
        importlib.import_module(found.name)
    return PANELS


def scene(model: Model, data: Data) -> Scene:
    """Everything that is recorded of this model at this moment, and empty panes for what can be asked."""
    panes: list[Pane] = []
    with looking(model) as rng:
        for each in discovered().values():
            if each.film or not each.fits(model):
                continue
            if why := each.unless(model):
                panes.append(refused(each, why))
            else:
                panes += [empty(each)] if each.asked else each.draw(model, data, rng.child(each.name))
        if isinstance(model, HasLayers):
            panes += model.layers(data, rng.child("layers"))
    latent = int(getattr(model, "latent", 0))
    programs = _programs(model)
    return Scene(panes=panes, programs=programs, latent=latent, shape=model.spec.shape, actions=model.actions())


def films_of(model: Model) -> list[str]:
    """The names of the films that can be made of a model; its weights do not matter."""
    with looking(model):
        return [name for name, each in discovered().items() if each.film and each.fits(model) and not each.unless(model)]


def film(name: str, model: Model, data: Data, shoot: Shoot) -> Iterator[tuple[str, Scene]]:
    """The frames of a film of the model's chain; a `BadInput` if there is no such film."""
    with looking(model) as rng:
        found = _called(name, model, "film", [each for each in discovered().values() if each.film])
        shared = {"programs": _programs(model), "shape": model.spec.shape, "controls": _controls(model, found.knobs)}
        for caption, panes in found.draw(model, data, rng.child(name, shoot.seed), shoot):
            yield caption, Scene(panes=panes, **shared)


def _called(name: str, model: Model, kind: str, panels: Sequence[Panel]) -> Panel:
    """The one of that name, if this model can have it; else a `BadInput` that says why not, or what there is instead."""
    fitting = {each.name: each for each in panels if each.fits(model)}
    if name not in fitting:
        raise BadInput(f"{model.slug} has no {kind} called {name!r}{nearest(name, fitting)}")
    if why := fitting[name].unless(model):
        raise BadInput(why)
    return fitting[name]


def _programs(model: Model) -> dict[str, list[list[Any]]]:
    return model.client() if isinstance(model, RunsInBrowser) else {}


def _controls(model: Model, read: Sequence[str] | None) -> list[dict[str, Any]]:
    """What a person may set of a film: the knobs that only the chain reads, or those of them that this film does, if these data
    allow them another value."""
    looks = [knob for name, knob in model.knobs_declared().items() if knob.looks == "chain" and (read is None or name in read)]
    looks = [knob for knob in looks if (read is not None or knob.counts(model)) and _moves(model, knob)]
    shared = ("name", "low", "high", "help", "log", "choices")
    return [
        {
            **{part: getattr(knob, part) for part in shared},
            "kind": knob.kind.__name__,
            "value": getattr(model, knob.name),
            "called": {str(value): word for value, word in knob.called.items()},
        }
        for knob in looks
    ]


def _moves(model: Model, knob: Knob) -> bool:
    for other in knob.others(getattr(model, knob.name)):
        with suppress(BadInput):
            model.validate({**dict(model.knobs), knob.name: other}, model.spec)
            return True
    return False


def empty(asked: Panel) -> Pane:
    """The pane of an asked panel before anybody asked: title and words from the panel's docstring."""
    title, reads = words(asked)
    return Pane(name=asked.name, title=title, kind=asked.kind, reads=reads, ask=asked.name, whole=asked.whole)


def refused(panel: Panel, why: str) -> Pane:
    """The pane of a panel that this model cannot have: no picture, but the reason."""
    return Pane(name=panel.name, title=words(panel)[0], kind="numbers", reads=why)


def words(panel: Panel) -> tuple[str, str]:
    """Title and words from the docstring of a panel."""
    title, _, reads = (inspect.getdoc(panel.draw) or panel.name).partition("\n\n")
    return title, " ".join(reads.split())


def look(name: str, model: Model, data: Data, point: int) -> list[Pane]:
    """The panes of an asked panel for training row `point`; a `BadInput` if there is no such panel, row or picture."""
    with looking(model) as rng:
        asked = _called(name, model, "panel to ask for", [each for each in discovered().values() if each.asked])
        return asked.draw(model, data, rng.child(name), point)
