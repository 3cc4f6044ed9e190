"""Scenes and frames as bytes: a JSON header, then quantised tensors, in one blob.

    blob    u32 header length · JSON padded with blanks to a multiple of 4 · tensors, each at a multiple of 4
    tensor  {"dtype", "shape", "at", "lo", "hi"}: `at` counts from the end of the header;
            u8 and u16 stand for lo + (hi − lo) · q / (2^bits − 1), i32 for itself
    record  magic, payload bytes, step, kind, unix time, crc32 of the payload: 32 bytes, then the payload, padded to 4

Points travel as u16, pictures and fields as u8, labels as i32.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from torch import Tensor

from genviz.layers import Layer, Pane, Scene

RECORD = struct.Struct("<4sIIIdI4x")
MAGIC = b"GVFR"
LAYOUT, FRAME, SHOT, TROUBLE = range(4)  # kinds of records: the scene, a moment, a slow-motion moment, why a film broke off
COARSE = {"pixels", "values"}  # what an eye reads as a shade needs 8 bits, a position needs 16
WHOLE = {"labels"}
FULL_RANGE = {"pixels": (0.0, 1.0)}


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + payload


def unpack(blob: bytes) -> tuple[dict[str, Any], bytes]:
    (n,) = struct.unpack_from("<I", blob)
    return json.loads(blob[4 : 4 + n]), blob[4 + n :]


def pack_scene(scene: Scene) -> bytes:
    """The whole scene, static layers and the first moment of the others."""
    body = _Body()
    header = {
        "panes": [
            {**_plain(pane, skip={"layers"}), "layers": [body.layer(layer) for layer in pane.layers]} for pane in scene.panes
        ],
        "programs": dict(scene.programs),
        "latent": scene.latent,
        "shape": list(scene.shape),
        "actions": list(scene.actions),
        "controls": list(scene.controls),
    }
    return pack(header, bytes(body.bytes))


def pack_frame(scene: Scene, caption: str = "") -> bytes:
    """What of the scene moves: every layer that is not static, under "pane/layer"."""
    body = _Body()
    moving = {
        f"{pane.name}/{layer.name}": body.layer(layer) for pane in scene.panes for layer in pane.layers if not layer.static
    }
    limits = {pane.name: [*pane.x, *pane.y] for pane in scene.panes if pane.x and pane.y}
    return pack({"layers": moving, "limits": limits, "caption": caption}, bytes(body.bytes))


def record(step: int, kind: int, payload: bytes, time: float) -> bytes:
    """One self-delimiting entry of a `frames` file."""
    payload += b"\0" * (-len(payload) % 4)
    return RECORD.pack(MAGIC, len(payload), step, kind, time, zlib.crc32(payload)) + payload


class _Body:
    def __init__(self) -> None:
        self.bytes = bytearray()

    def layer(self, layer: Layer) -> dict[str, Any]:
        named = {name: getattr(layer, name) for name in layer.tensors}
        tensors = {name: self.tensor(name, t) for name, t in named.items() if t is not None}
        return {"type": type(layer).__name__.lower(), **_plain(layer, skip=set(layer.tensors)), "tensors": tensors}

    def tensor(self, name: str, t: Tensor) -> dict[str, Any]:
        a = t.detach().cpu().numpy()
        if name in WHOLE:
            dtype, q, lo, hi = "i32", a.astype(np.int32), 0.0, 0.0
        else:
            dtype, top, kind = ("u8", 255, np.uint8) if name in COARSE else ("u16", 65535, np.uint16)
            lo, hi = FULL_RANGE.get(name) or ((float(a.min()), float(a.max())) if a.size else (0.0, 0.0))
            q = np.rint(np.clip((a - lo) / ((hi - lo) or 1.0), 0, 1) * top).astype(kind)
        at = len(self.bytes)
        self.bytes += q.tobytes()
        self.bytes += b"\0" * (-len(self.bytes) % 4)
        return {"dtype": dtype, "shape": list(a.shape), "at": at, "lo": lo, "hi": hi}


def _plain(thing: Layer | Pane, skip: set[str]) -> dict[str, Any]:
    """The JSON part of a layer or pane, without what is empty or off; a zero is a number like any other."""
    values = {f.name: getattr(thing, f.name) for f in fields(thing) if f.name not in skip}
    return {name: value for name, value in values.items() if not _nothing(value)}


def _nothing(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, Sequence) and not value)
