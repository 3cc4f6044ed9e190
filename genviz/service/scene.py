"""A finished run as one small file that moves without torch: `<name>.scene`, gzip around docs/wire.md's GVSC."""

import gzip
import json
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genviz.cards import VERSION
from genviz.errors import BadInput
from genviz.service.folder import RunFolder
from genviz.service.streams import FRAME, FRAMES, JOURNAL, METRICS, ROW, SCENE, header, line, records

HEAD = struct.Struct("<4sIII")  # magic, bytes of journal, metrics and frames
MAGIC = b"GVSC"
POINTS = 400  # of a curve, at most
FEWEST = 6  # frames below which nothing moves any more


def scene_file(run_dir: str | Path, path: str | Path, frames: int = 48, limit: int = 300_000) -> int:
    """Pack a finished run into `path`, thinned until it has at most `limit` bytes; its size."""
    folder, points = RunFolder(Path(run_dir)), POINTS
    folder.card  # noqa: B018 (says what is wrong with a folder that is none)
    journal, metrics, film = _journal(folder), folder.read(METRICS), folder.read(FRAMES)
    while frames >= FEWEST:
        packed = _packed(journal, _thin_metrics(metrics, points), _thin_frames(film, frames))
        if len(packed) <= limit:
            Path(path).write_bytes(packed)
            return len(packed)
        frames, points = frames * 3 // 4, max(100, points * 3 // 4)
    raise BadInput(f"{folder.path}: a scene of {FEWEST} frames still has more than {limit:,} bytes: record smaller pictures")


def still(model: Any, data: Any, path: str | Path, limit: int = 300_000) -> int:
    """The same of a model that has nothing to train: one picture, of what it is from the start; its size."""
    from genviz.panels import scene  # and with it torch
    from genviz.stage.pack import pack_frame, pack_scene, record

    shown = scene(model, data)
    spec = {"shape": data.spec.shape, "support": data.spec.support, "classes": data.spec.classes}
    told = {"version": VERSION, "model": model.slug, "knobs": model.knobs.model_dump(), "seed": model.seed, "spec": spec}
    told |= {"data": data.name, "sha256": data.sha256, "note": data.note, "until": 0, "created": 0.0}
    journal = line({"open": told}) + line({"status": {"state": "done", "step": 0, "until": 0, "message": ""}})
    film = record(0, SCENE, pack_scene(shown), 0.0) + record(0, FRAME, pack_frame(shown), 0.0)
    packed = _packed(journal, b"", film)
    if len(packed) > limit:
        raise BadInput(f"{model.slug} on {data.name}: its one picture has more than {limit:,} bytes: record smaller ones")
    Path(path).write_bytes(packed)
    return len(packed)


def _packed(*parts: bytes) -> bytes:
    return gzip.compress(HEAD.pack(MAGIC, *map(len, parts)) + b"".join(parts), 9, mtime=0)


@lru_cache(256)
def of_run(path: Path, created: float) -> dict[str, Any]:
    """The header of the scene that a run's recording in folder `path` begins with; `created` tells runs of one name apart."""
    return first_scene((path / FRAMES).read_bytes())


@lru_cache(64)
def of_file(path: Path, changed: float) -> dict[str, Any]:
    """The same of a scene file, last `changed` then."""
    return first_scene(unpack(path.read_bytes())[2])


def first_scene(frames: bytes) -> dict[str, Any]:
    """The header of the scene that starts a `frames` stream: panes, programs, latent, shape."""
    for start, end, _, kind in records(frames):
        if kind == SCENE:
            return header(frames[start + 32 : end])
    raise BadInput("nothing has been recorded yet")


def unpack(packed: bytes) -> tuple[bytes, bytes, bytes]:
    """Journal, metrics and frames of a scene file's bytes."""
    data = gzip.decompress(packed)
    _, a, b, c = HEAD.unpack_from(data)
    at = HEAD.size
    return data[at : at + a], data[at + a : at + a + b], data[at + a + b : at + a + b + c]


def _journal(folder: RunFolder) -> bytes:
    """What a viewer of a finished recording needs: where it came from, the columns, the edits, and how it ended."""
    entries = [json.loads(text) for text in folder.read(JOURNAL).splitlines()]
    kept = [entry for entry in entries if entry.keys() & {"open", "columns", "edit"}]
    step = folder.last()
    return b"".join(map(line, [*kept, {"status": {"state": "done", "step": step, "until": step, "message": ""}}]))


def _even(n: int, few: int) -> set[int]:
    """`few` of the places 0 … n − 1, the first and the last among them."""
    return set(np.linspace(0, n - 1, min(n, few)).round().astype(int).tolist())


def _thin_metrics(rows: bytes, points: int) -> bytes:
    """At most `points` of each column; rare ones stay whole."""
    table = np.frombuffer(rows, np.dtype([("step", "<u4"), ("column", "<u2"), ("zero", "<u2"), ("value", "<f4")]))
    assert table.dtype.itemsize == ROW.size
    keep = np.zeros(len(table), bool)
    for column in np.unique(table["column"]):
        (places,) = np.nonzero(table["column"] == column)
        keep[places[sorted(_even(len(places), points))]] = True
    return table[keep].tobytes()


def _thin_frames(film: bytes, frames: int) -> bytes:
    """The scene and `frames` moments: even in step, and half as many again early on, where most happens."""
    found = list(records(film))
    moments = [item for item in found if item[3] == FRAME]
    early = {i for i, (_, _, step, _) in enumerate(moments) if step & (step - 1) == 0}
    early = set(sorted(early)[: frames // 4])
    chosen = early | _even(len(moments), frames - len(early))
    kept = [item for item in found if item[3] == SCENE] + [item for i, item in enumerate(moments) if i in chosen]
    return b"".join(film[start:end] for start, end, _, _ in kept)
