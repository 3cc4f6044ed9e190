"""What a script asks first: which models there are, and one of them fit for these data."""

from dataclasses import dataclass
from typing import Any

from genviz.catalog import CARDS, CATALOG
from genviz.data import Data, dataset, kind
from genviz.model import CAPABILITIES, BadInput, Model, Preset, discover, find, nearest

PLAIN = Preset(2000, idea="the knobs' own defaults")


@dataclass(frozen=True)
class Listing:
    """A model as `list_models` shows it; `capabilities` name the methods it has (design §3)."""

    name: str
    family: str
    year: int
    paper: str
    capabilities: tuple[str, ...]


def list_models() -> list[Listing]:
    """Every model that is here: the catalogue's in reading order, then one's own, whose year (0) and paper are not known."""
    models = discover()
    own = {
        slug: kind.__module__.split(".")[2]
        for slug, kind in models.items()
        if slug not in CARDS and kind.__module__.startswith("genviz.models.")
    }
    cards = [(card.slug, card.family, card.year, card.paper) for card in CATALOG if card.slug in models]
    cards += [(slug, family, 0, "") for slug, family in own.items()]
    return [Listing(*card, tuple(c for c in CAPABILITIES if hasattr(models[card[0]], c))) for card in cards]


def preset_for(model: type[Model], data: Data, name: str = "") -> tuple[str, Preset]:
    """The preset called `name` (`-` and `_` alike), else the default one: of that data's name, else of its kind.

    A default preset's knobs suit the data; where there is none, the knobs' own defaults are taken, named "". A `BadInput` names
    the presets there are.
    """
    if name:
        alike = {key.replace("_", "-"): key for key in model.presets}
        if (wanted := name.replace("_", "-")) not in alike:
            raise BadInput(f"{model.slug} has no preset {name!r}{nearest(wanted, alike)}")
        return alike[wanted], model.presets[alike[wanted]]
    sets = {key: preset.data or key for key, preset in model.presets.items() if suits(model, preset, data)}
    own = data.name.partition(":")[0]
    for key, of in sets.items():
        if of == own:
            return key, model.presets[key]
    for key, of in sets.items():
        if kind(of) == data.spec.kind:
            return key, model.presets[key]
    return "", PLAIN


def suits(model: type[Model], preset: Preset, data: Data) -> bool:
    try:
        model.validate(preset.knobs, data.spec)
    except BadInput:
        return False
    return True


def create(name: str, data: Any, seed: int | None = None, *, preset: str = "", **knobs: Any) -> Model:
    """A new model for `data` (a `Data`, a data set's name, a path or an array): its preset's knobs, overridden by `knobs`.

    One that has nothing to train is complete: it has taken what it needs of the data. Without `seed` the preset's own. A
    `BadInput` names an unknown model, preset or knob, or a value out of range.
    """
    rows = data if isinstance(data, Data) else dataset(data)
    model = find(name)
    _, chosen = preset_for(model, rows, preset)
    made = model(rows.spec, chosen.seed if seed is None else seed, **{**chosen.knobs, **knobs})
    if not model.trains:
        made.prepare(rows)
    return made
