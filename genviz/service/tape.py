"""What a run leaves in its folder at each step: figures, pictures, keyframes; written once, compared ever after."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genviz import checkpoint
from genviz.errors import BadInput
from genviz.layers import Scene
from genviz.model import Step
from genviz.run import Run
from genviz.service import schedule
from genviz.service.build import differences
from genviz.service.folder import RunFolder
from genviz.service.streams import FRAME, FRAMES, JOURNAL, METRICS, ROW, SCENE, SHOT, STREAMS, line, records
from genviz.stage.pack import pack_frame, pack_scene, record


class Differs(BadInput):
    """The replay does not give what was recorded."""


class Tape:
    """Buffers of three streams, appended in the order journal, metrics, frames.

    What a crash takes from memory is computed again. Up to the end of what is on disk, figures are compared instead of
    written, and nothing is drawn or kept twice: so a replay regrows exactly what was lost, and a viewer's offset stays good.
    """

    def __init__(self, folder: RunFolder, run: Run, card: dict[str, Any]) -> None:
        self.folder, self.run, self.card = folder, run, card
        self.buffers = {stream: bytearray() for stream in STREAMS}
        self.columns = [name for entry in folder.entries("columns") for name in entry]
        self.places: dict[tuple[str, ...], list[int]] = {}  # of the names of a step's metrics
        self.every = int([0, *folder.entries("every")][-1])
        self.announced = set(folder.entries("keyframe"))
        self.past, self.seen = folder.read(METRICS), 0  # bytes of metrics recorded, and compared so far
        kinds = {kind: step for _, _, step, kind in records(folder.read(FRAMES))}
        self.begun, self.filmed = SCENE in kinds, kinds.get(FRAME, -1)
        self.measured = -1  # the last step at which the costlier figures were taken
        self.owed = False  # a keyframe of this step still to be written
        self.pictures, self.steps = [], []  # seconds that the first ones took
        self.small = schedule.is_small(sum(t.nbytes for t in run.model.state_dict().values()), card["until"])

    @property
    def whole(self) -> bool:
        """Whether every figure on record has been compared."""
        return self.seen == len(self.past)

    def moment(self, step: Step | None) -> None:
        """Whatever is due where the run stands; `step` is what brought it there."""
        at, until = self.run.step, self.card["until"]
        if step is not None:
            self.rows({name: self.run.history[name][-1][1] for name in step.metrics})
        if self.run.diverged:
            return
        # in a replay the record says whether there was a measurement, because ends and pauses had one, too
        if schedule.measured(at, until) if self.whole else ROW.unpack_from(self.past, self.seen)[0] == at:
            self.measure()
        if schedule.pictured(at, self.every):
            self.film()
        if at == schedule.FIRST and not self.every:
            self.every = schedule.spacing(until, min(self.pictures, default=0.0), min(self.steps))
            self.say({"every": self.every})
        if schedule.kept(at, until, self.small) or at in self.announced:
            self.keep()

    def measure(self) -> None:
        if self.measured < self.run.step:
            self.measured = self.run.step
            self.rows(self.run.monitor())

    def rows(self, figures: Mapping[str, float]) -> None:
        names = tuple(figures)
        if names not in self.places:
            if fresh := [name for name in names if name not in self.columns]:
                self.say({"columns": fresh, "at": len(self.columns)})
                self.columns += fresh
            self.places[names] = [self.columns.index(name) for name in names]
        for column, value in zip(self.places[names], figures.values(), strict=True):
            try:
                row = ROW.pack(self.run.step, column, 0, value)
            except OverflowError:  # of float32
                row = ROW.pack(self.run.step, column, 0, math.copysign(math.inf, value))
            if self.whole:
                self.buffers[METRICS] += row
            elif row == self.past[self.seen : self.seen + ROW.size]:
                self.seen += ROW.size
            else:
                raise Differs(self.difference(column, value))

    def difference(self, column: int, value: float) -> str:
        step, then, _, was = ROW.unpack_from(self.past, self.seen)
        return (
            f"the replay differs from the record at step {step} in {self.columns[then]}: recorded {was:.9g}, "
            f"now {self.columns[column]} = {value:.9g} at step {self.run.step}. {differences(self.card['environment'])}. "
            f"The record stays as it is; start a new run, or restore what changed and press play"
        )

    def film(self) -> None:
        """A picture of this step, unless there is one, or a number in it that cannot be drawn."""
        if self.filmed >= self.run.step:
            return
        from genviz.panels import scene

        start = time.perf_counter()
        shown = scene(self.run.model, self.run.data)  # pyright: ignore[reportArgumentType] (a Data by construction)
        if not drawable(shown):
            return
        if not self.begun:
            self.buffers[FRAMES] += record(self.run.step, SCENE, pack_scene(shown), time.time())
        self.buffers[FRAMES] += record(self.run.step, FRAME, pack_frame(shown), time.time())
        self.begun, self.filmed = True, self.run.step
        self.pictures.append(time.perf_counter() - start)

    def shoot(self, step: Step) -> None:
        """The captioned moments of one update."""
        from genviz.panels import shots

        for caption, shown in shots(self.run.model, self.run.data, step):  # pyright: ignore[reportArgumentType]
            if drawable(shown):
                self.buffers[FRAMES] += record(self.run.step, SHOT, pack_frame(shown, caption), time.time())

    def keep(self) -> None:
        """The weights of this step, whole and finite, in a file of their own, then announced. A damaged file is replaced."""
        step, self.owed = self.run.step, True  # until it succeeds, so that a full disk costs no keyframe
        path = self.folder.weights(step)
        due = step not in self.announced or not intact(path)
        if due and all(math.isfinite(t.sum()) for t in self.run.model.state_dict().values()):
            checkpoint.save(self.run.model, path, step=step, data=self.run.data.name)
        if step not in self.announced and path.exists():
            self.announced.add(step)
            self.say({"keyframe": step})
        self.owed = False

    def again(self) -> None:
        """The weights changed without a step: what was kept and drawn of this one is replaced, and announced again."""
        self.announced.discard(self.run.step)
        self.filmed = self.run.step - 1
        self.keep()
        self.film()

    # ------------------------------------------------------------ bytes

    def say(self, entry: dict[str, Any]) -> None:
        self.buffers[JOURNAL] += line(entry)

    def flush(self) -> None:
        for stream in STREAMS:
            if self.buffers[stream]:
                self.folder.append(stream, self.buffers[stream])
                self.buffers[stream].clear()

    def promise(self, entry: dict[str, Any]) -> None:
        """On disk, for sure, when this returns; if it raises, it is as if it had not been said."""
        before = len(self.buffers[JOURNAL])
        self.say(entry)
        try:
            self.folder.append(JOURNAL, self.buffers[JOURNAL], sync=True)
        except OSError:
            del self.buffers[JOURNAL][before:]
            raise
        self.buffers[JOURNAL].clear()


def intact(weights: Path) -> bool:
    """Whether that file is there, and as long as its header says."""
    try:
        return bool(checkpoint.card(weights))
    except BadInput:
        return False


def drawable(shown: Scene) -> bool:
    """Whether every number in the picture is finite."""
    layers = [layer for pane in shown.panes for layer in pane.layers]
    tensors = [getattr(layer, name) for layer in layers for name in layer.tensors]
    return all(bool(torch.isfinite(t).all()) for t in tensors if t is not None and t.is_floating_point())
