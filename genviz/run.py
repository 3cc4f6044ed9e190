"""A run is an event log: (model, knobs, data, seed) and the edits made on the way determine it bit for bit."""

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from typing import Any, Protocol, Self, cast, runtime_checkable

import torch
from torch import Tensor

from genviz.model import BadInput, KnobValues, Model, Monitors, Spec, Step, nearest
from genviz.rng import Rng

History = dict[str, list[tuple[int, float]]]


@runtime_checkable
class Rows(Protocol):
    """What a run needs of its data; `genviz.data.Data` is that."""

    @property
    def name(self) -> str: ...
    @property
    def spec(self) -> Spec: ...
    @property
    def x(self) -> Tensor: ...


@dataclass(frozen=True)
class Edit:
    """A change made at `step`, in force from step + 1 on: `set` for live knobs, or one of the model's actions."""

    step: int
    verb: str
    args: Mapping[str, Any]


def trainable(model: type[Model], data: Rows) -> None:
    """A `BadInput` if there is nothing to train, or nothing to train on."""
    if not model.trains:
        raise BadInput(f"{model.slug} has nothing to train: it has no fit")
    if not len(data.x):
        raise BadInput(f"{data.name} has no rows to learn from: it is an energy, for samplers; take data with rows")


@contextmanager
def looking(model: Model, seed: int = 0) -> Iterator[Rng]:
    """Look at a model without changing its run: eval mode, no gradients, and the same latents at every look."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield Rng(seed, "look")
    finally:
        model.train(training)


class Run:
    """Steps the `fit` of a model on data, keeps the event log, and can do it all again.

    `pending` holds edits still to come; a replay is a fresh run with the old edits pending. One thread steps a run; `edit`
    may be called from any, and waits for the boundary between two steps. After a step that raised, every further one raises.
    """

    def __init__(self, model: Model, data: Rows, seed: int = 0, pending: Sequence[Edit] = ()) -> None:
        trainable(type(model), data)
        if model.spec.shape != data.spec.shape:
            raise BadInput(f"the model was built for rows of shape {model.spec.shape}, {data.name} has {data.spec.shape}")
        model.spec.check(data.x, data.name)
        self.model, self.data, self.seed, self.step = model, data, seed, 0
        self.done, self.diverged = False, ""
        self.history: History = {}
        self.edits: list[Edit] = []
        self.pending = list(pending)
        self.first_knobs = model.knobs
        self.first_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        model.prepare(data)
        self._fit, self._failure = model.train().fit(data, Rng(seed, "fit")), cast("Exception | None", None)
        self._lock = threading.Lock()  # held by the thread that plays
        self._within = threading.Lock()  # held during a step, and during an edit
        self._turn = threading.Lock()  # held by an edit that waits, so that no further step begins

    @property
    def over(self) -> bool:
        return self.done or bool(self.diverged)

    def tick(self) -> Step | None:
        """One step of the fit, or None when it has ended by itself or by a figure that is not finite."""
        if self._failure:
            raise self._failure  # the generator is dead and would seem to have ended by itself
        with self._turn:
            pass
        with self._within:
            try:
                return self._tick()
            except Exception as error:
                self._failure = error
                raise
            except BaseException:  # Ctrl-C
                remedy = f"go on with run.fork({self.step})"
                self._failure = BadInput(f"this run was interrupted in the middle of step {self.step + 1}: {remedy}")
                raise

    def _tick(self) -> Step | None:
        while self.pending and self.pending[0].step == self.step:
            self.apply(self.pending.pop(0))
        if self.over:
            return None
        with torch.enable_grad():  # whatever the caller is doing
            step = next(self._fit, None)
        if step is None:
            self.done = True
            return None
        self.step += 1
        bad = ""
        for name, value in step.metrics.items():
            number = value.item()
            self.history.setdefault(name, []).append((self.step, number))
            bad = bad or ("" if math.isfinite(number) else name)
        if bad:
            knob = self.model.if_diverged
            remedy = f": try a smaller {knob} (it was {getattr(self.model, knob):g})" if hasattr(self.model, knob) else ""
            self.diverged = f"diverged at step {self.step}, {bad} is not finite{remedy}"
        return step

    def advance(self, steps: float = math.inf, seconds: float = math.inf, until: float = math.inf) -> bool:
        """Go on until a limit is met or the fit ends; False if another thread is already at it."""
        if math.isinf(min(steps, seconds, until)):
            raise BadInput("say how far to go: steps, seconds or until (a fit may be endless)")
        if not self._lock.acquire(blocking=False):
            return False
        try:
            last, deadline = min(self.step + steps, until), time.perf_counter() + seconds
            while self.step < last and time.perf_counter() < deadline and self.tick():
                pass
            return True
        finally:
            self._lock.release()

    # ------------------------------------------------------------ edits

    def edit(self, what: str, value: Any = None, /, **args: Any) -> Edit:
        """Change a live knob (`edit("lr", 3e-4)`) or perform an action of the model, from the next step on."""
        with self._turn, self._within:
            known = what in self.model.knobs_declared()
            edit = Edit(self.step, "set", {what: value}) if known else Edit(self.step, what, args)
            self.apply(edit)
        return edit

    def check(self, edit: Edit, before: Sequence[Edit] = ()) -> KnobValues:
        """The knobs that this edit will leave, made after those `before`; a `BadInput` says why it is not possible."""
        knobs = dict(self.model.knobs)
        for earlier in before:
            knobs |= earlier.args if earlier.verb == "set" else {}
        if edit.verb in self.model.actions():
            self._try(edit)
            return self.model.validate(knobs)
        if edit.verb != "set":
            raise BadInput(f"{self.model.slug} cannot {edit.verb!r}{nearest(edit.verb, ['set', *self.model.actions()])}")
        values, declared = self.model.validate({**knobs, **edit.args}, self.model.spec), self.model.knobs_declared()
        if fixed := next((name for name in edit.args if not declared[name].live), None):
            raise BadInput(f"{fixed} cannot change during a run: start a new one with it")
        return values

    def _try(self, edit: Edit) -> None:
        """An action judges its own arguments: on a copy, so that one that is refused leaves neither a trace nor an entry."""
        action = getattr(deepcopy(self.model), edit.verb)
        try:
            signature(action).bind(**edit.args)
        except TypeError as error:
            raise BadInput(f"{edit.verb}: {error}") from None
        action(**edit.args)

    def apply(self, edit: Edit) -> None:
        """Make the edit at once, if it is possible."""
        knobs = self.check(edit)
        if edit.verb == "set":
            self.model.adopt(knobs)
        else:
            getattr(self.model, edit.verb)(**edit.args)
        self.edits.append(edit)

    # ------------------------------------------------------------ again

    def fresh(self) -> Model:
        """The model as it was before the first step."""
        model = type(self.model)(self.model.spec, self.model.seed, **dict(self.first_knobs))
        model.load_state_dict(self.first_state)
        return model

    def fork(self, step: int) -> Self:
        """A new run standing at `step` of this one, bit for bit, its future open."""
        if not 0 <= step <= self.step:
            raise BadInput(f"cannot fork at step {step}: this run has steps 0 … {self.step}")
        twin = type(self)(self.fresh(), self.data, self.seed, [edit for edit in self.edits if edit.step < step])
        twin.advance(until=step)
        return twin

    def replay(self) -> Self:
        """The whole run done again from its log."""
        twin = type(self)(self.fresh(), self.data, self.seed, self.edits)
        twin.advance(until=self.step)
        for edit in twin.pending:  # made after the last step
            twin.apply(edit)
        twin.pending = []
        return twin

    def monitor(self) -> dict[str, float]:
        """The model's costlier figures at this step (test bounds …), noted in the history; looking changes nothing."""
        if not isinstance(self.model, Monitors):
            return {}
        with looking(self.model, self.seed) as rng:
            figures = self.model.monitor(self.data, rng)
        for name, value in figures.items():
            self.history.setdefault(name, []).append((self.step, value))
        return figures
