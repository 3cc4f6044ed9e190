"""What can be shown: runs and pretrained presets, and what is known of them without importing torch."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from genviz.errors import BadInput
from genviz.paths import PRETRAINED
from genviz.service import folder, scene
from genviz.service.streams import ROW


@dataclass(frozen=True)
class Source:
    """A timeline and its opening facts: model, knobs, data, spec, figures."""

    id: str
    info: dict[str, Any]

    @property
    def images(self) -> bool:
        return len(self.info["spec"]["shape"]) == 2


def pretrained(slug: str, preset: str) -> Source | None:
    """The shipped recording of a preset, if there is one."""
    path = PRETRAINED / f"{slug}-{preset}.safetensors"
    if not path.exists() or not path.with_suffix(".scene").exists():
        return None
    return Source(f"pretrained:{path.stem}", card(path, path.stat().st_mtime_ns))


def programs(source: Source, wanted: str) -> frozenset[str]:
    """The names of its client programs; of a run that has not been pictured yet, `wanted`, as it may have it."""
    return frozenset((first_scene(source) or {}).get("programs", [wanted]))


def pictured(source: Source, pane: str) -> bool:
    """Whether it has that pane; a run that has not been pictured yet may have any."""
    found = first_scene(source)
    return found is None or pane in {each["name"] for each in found["panes"]}


def first_scene(source: Source) -> dict[str, Any] | None:
    """The header of the scene that its recording begins with, None while there is none."""
    kind, _, name = source.id.partition(":")
    try:
        if kind == "run":
            return scene.of_run(folder.find(name).path, source.info["created"])
        return scene.of_file(path := PRETRAINED / f"{name}.scene", path.stat().st_mtime_ns)
    except (BadInput, OSError):
        return None


def first(slug: str) -> Source | None:
    """The recording that introduces a model: its page's first by name, points before pictures."""
    names = sorted(path.stem.removeprefix(f"{slug}-") for path in PRETRAINED.glob(f"{slug}-*.scene"))
    found = [source for name in names if (source := pretrained(slug, name))]
    return min(found, key=lambda source: (source.images, len(source.id)), default=None)


@lru_cache(maxsize=64)
def history(source: str) -> dict[str, list[tuple[int, float]]]:
    """Every figure of a shipped recording, `pretrained:<name>`, by its name: (step, value) in the order of steps."""
    journal, metrics, _ = scene.unpack((PRETRAINED / f"{source.partition(':')[2]}.scene").read_bytes())
    names = [name for text in journal.splitlines() for name in json.loads(text).get("columns", [])]
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in names}
    for step, column, _, value in ROW.iter_unpack(metrics):
        found[names[column]].append((step, value))
    return found


def run(run_id: str, slug: str) -> Source:
    """A run of this machine, or a `BadInput` that says why it cannot be shown."""
    info = folder.find(run_id).card
    if info["model"] != slug:
        raise BadInput(f"run {run_id} is a {info['model']}, this page shows {slug}")
    return Source(f"run:{run_id}", info)


def knobs_now(run: Source) -> dict[str, Any]:
    """The knobs in force at the head of a run: those it began with, and the edits since."""
    return folder.find(run.id.partition(":")[2]).knobs()


def films(source: Source) -> list[str]:
    """The names of the films that can be made of it."""
    return _films(json.dumps({part: source.info[part] for part in ("model", "knobs", "spec")}, sort_keys=True))


@lru_cache(maxsize=64)
def _films(info: str) -> list[str]:
    from genviz.model import Spec, find
    from genviz.panels import films_of

    told = json.loads(info)
    kind, spec = find(told["model"]), Spec(**{**told["spec"], "shape": tuple(told["spec"]["shape"])})
    try:
        return films_of(kind(spec, **dict(kind.validate(told["knobs"]))))  # as at its beginning: weights do not matter
    except BadInput:
        return []  # knobs of another version: told beside the controls


def like(info: Mapping[str, Any], presets: Mapping[str, Any]) -> str:
    """The preset a run most likely came from: on the same data, if possible with the same knobs."""
    same = [name for name, preset in presets.items() if (preset.data or name) == info["data"]]
    return next((n for n in same if presets[n].knobs.items() <= info["knobs"].items()), same[0] if same else "")


@lru_cache(maxsize=256)
def card(path: Path, _changed: int) -> dict[str, Any]:
    """The JSON card of a safetensors file, read from its header alone."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(size))["__metadata__"]["genviz"])
