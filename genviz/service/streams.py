"""The three append-only streams of docs/wire.md as bytes. Nothing here needs torch: the server reads runs before it has it."""

import json
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

JOURNAL, METRICS, FRAMES = STREAMS = ("journal", "metrics", "frames")  # a stream's number on the wire is its place here
ROW = struct.Struct("<IHHf")  # step, column, 0, value
RECORD = struct.Struct("<4sIIIdI4x")  # genviz.stage.pack.RECORD, without importing it; a test holds them equal
MAGIC = b"GVFR"
SCENE, FRAME, SHOT = 0, 1, 2


def line(entry: dict[str, Any]) -> bytes:
    """One entry of a journal; a `ValueError` if a number in it is none in JSON: a browser could not read on."""
    return json.dumps(entry, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def is_entry(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def records(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(start, end, step, kind) of each whole record of a `frames` stream, up to the first that is none."""
    at = 0
    while at + RECORD.size <= len(data):
        magic, size, step, kind, _, _ = RECORD.unpack_from(data, at)
        end = at + RECORD.size + size
        if magic != MAGIC or end > len(data):
            return
        yield at, end, step, kind
        at = end


def whole(stream: str, data: bytes) -> int:
    """How many bytes at the start of `data` are whole records."""
    if stream == JOURNAL:
        return data.rfind(b"\n") + 1
    if stream == METRICS:
        return len(data) - len(data) % ROW.size
    return max((end for _, end, _, _ in records(data)), default=0)


def sound(stream: str, data: bytes) -> int:
    """As `whole`, and everything in it is what it should be: how far a file can be trusted after a crash."""
    good = 0
    if stream == JOURNAL:
        for text in data[: whole(JOURNAL, data)].splitlines(keepends=True):
            if not is_entry(text):
                break
            good += len(text)
        return good
    if stream == METRICS:
        last = 0
        for step, _, zero, _ in ROW.iter_unpack(data[: whole(METRICS, data)]):
            if step < last or zero:  # a power cut leaves zeros or noise
                break
            last, good = step, good + ROW.size
        return good
    for start, end, _, _ in records(data):
        if zlib.crc32(data[start + RECORD.size : end]) != RECORD.unpack_from(data, start)[5]:
            break
        good = end
    return good


def upto(stream: str, data: bytes, step: int) -> bytes:
    """The records of `metrics` or `frames` that tell of the first `step` steps; steps ascend in both."""
    if stream == METRICS:
        rows = range(len(data) // ROW.size)
        return data[: ROW.size * bisect_right(rows, step, key=lambda row: ROW.unpack_from(data, row * ROW.size)[0])]
    return data[: next((start for start, _, at, _ in records(data) if at > step), whole(FRAMES, data))]


def pace(film: bytes) -> float:
    """Seconds a step took, as a rule: the median between the pictures in `frames`; 0 if there are too few."""
    moments = [(step, RECORD.unpack_from(film, at)[4]) for at, _, step, kind in records(film) if kind == FRAME]
    took = [(t - s) / (b - a) for (a, s), (b, t) in pairwise(moments) if b > a]
    return median(took) if took else 0.0


def header(blob: bytes) -> dict[str, Any]:
    """The JSON part of a packed scene or frame."""
    (n,) = struct.unpack_from("<I", blob)
    return json.loads(blob[4 : 4 + n])
