"""A run that writes its folder, and grows it again, silently and checked, when the folder is opened."""

import math
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from genviz.cards import MOST_STEPS
from genviz.errors import BadInput, writing
from genviz.run import Edit, Run
from genviz.service import folder as folders
from genviz.service import schedule
from genviz.service.build import build, wish
from genviz.service.folder import COPY_BACK, DISK_FULL, FULL, RunFolder
from genviz.service.streams import JOURNAL, line
from genviz.service.tape import Differs, Tape

PACE = 4.0  # seconds a step in slow motion
RETRY = 1.0  # seconds until a full disk is tried again


def whole(name: str, number: Any) -> int:
    """A number that came over the wire, if it counts something: NaN and true would pass comparisons."""
    if type(number) is not int:
        raise BadInput(f"{name} = {number!r}: give a whole number")
    return number


class Recorder:
    """Steps a `Run` in slices of time and records it on a `Tape`; the one writer of its folder.

    Opening an old folder starts a new run with the old edits pending, and replays it to `target`, the last step recorded;
    commands that come meanwhile count from there, and an edit joins those pending. After a command that raises, the run is
    as it was before.
    """

    def __init__(self, folder: RunFolder) -> None:
        status = folder.card and folder.status()  # first: what a newer genviz wrote must not be touched
        folder.lock()
        self.folder, self.dropped = folder, 0
        try:
            self.dropped = folder.recover()
            model, self.data, self.card = build(folder)
            if fresh := not folder.read(JOURNAL):
                folder.append(JOURNAL, line({"open": self.card}))
            status = folder.status()
            edits = [Edit(**edit) for edit in folder.entries("edit")]
            if (steps := [edit.step for edit in edits]) != sorted(steps) or max(steps, default=0) > status["until"]:
                raise BadInput(f"{folder.path / JOURNAL}: its edits are out of order, or after the run's end; {COPY_BACK}")
            self.run = Run(model, self.data, self.card["seed"], edits)
            self.tape = Tape(folder, self.run, self.card)
            self.until, self.state, self.message = int(status["until"]), str(status["state"]), str(status["message"])
            self.goal: int | None = None  # play up to here; None: at rest
            self.target = 0 if fresh else folder.last()
            self.ready = self.target == 0  # the replay, if any, is over
            self.slowly, self.full, self.closed = False, False, False
            self.unseen = folder.unseen_action()
            self.due = self.told = time.monotonic()
            self.tape.moment(None)
        except Exception as error:
            status |= {"state": "stopped", "message": str(error) or type(error).__name__}
            with suppress(OSError):
                folder.append(JOURNAL, line({"status": status}))
            folder.unlock()
            with writing(folder.path):
                raise

    @classmethod
    def create(
        cls,
        model: str,
        knobs: dict[str, Any],
        data: str,
        seed: int,
        until: int,
        title: str = "",
        root: Path | None = None,
        name: str = "",
        parent: str = "",
    ) -> Self:
        return cls.started(folders.create(wish(model, knobs, data, seed, until, title, parent), root, name), root)

    @classmethod
    def fork(cls, run_id: str, step: int, root: Path | None = None, name: str = "") -> Self:
        """A new run that stands at `step` of another one, once its replay is over."""
        return cls.started(folders.fork(run_id, step, root, name), root)

    @classmethod
    def started(cls, folder: RunFolder, root: Path | None = None) -> Self:
        try:
            return cls(folder)
        except Exception:  # the caller hears it: no folder need tell it
            folders.remove(folder.id, root)
            raise

    @classmethod
    def open(cls, run_id: str, root: Path | None = None) -> Self:
        return cls(folders.find(run_id, root))

    @property
    def here(self) -> int:
        return max(self.run.step, self.target)

    @property
    def wait(self) -> float:
        """Seconds until there is something to do."""
        if self.closed:
            return math.inf
        paced = self.full or (self.slowly and self.ready and self.goal is not None and self.run.step < self.goal)
        if paced:
            return max(0.0, self.due - time.monotonic())
        return 0.0 if not self.ready or self.goal is not None else math.inf

    @property
    def busy(self) -> bool:
        return self.wait <= 0

    # ------------------------------------------------------------ commands

    def play(self, until: Any = None) -> None:
        """To `until`, else to the run's own end, else on by as many again."""
        if until is not None and whole("until", until) <= self.here:
            raise BadInput(f"the run is at step {self.here} already: play until a later one")
        self._go(until or (self.until if self.until > self.here else self.here + int(self.card["until"])))

    def step(self, n: Any = 1) -> None:
        if whole("n", n) < 1:
            raise BadInput(f"cannot go {n} steps: go at least one")
        self._go(self.here + n)

    def _go(self, goal: int) -> None:
        if self.run.over:
            raise BadInput(self.run.diverged or f"this fit has ended by itself at step {self.run.step}")
        if goal > MOST_STEPS:
            raise BadInput(f"step {goal:,} is too far: a run has at most {MOST_STEPS:,} steps")
        self.full = False
        if self._flush():  # what a full disk left over
            raise BadInput(DISK_FULL)
        self.goal, self.until, self.due = goal, max(goal, self.until), 0.0
        if self.tape.every and (wider := self.until // schedule.FRAMES) > self.tape.every:
            self.tape.every = wider
            self.tape.say({"every": wider})
        self._status("running" if self.ready else "starting")

    def pause(self) -> None:
        if self.goal is not None:
            self.goal = None
            if self.ready:
                self._guard(self._rest)
            else:
                self._replaying()

    def slow(self, on: bool = True) -> None:
        """About one step every few seconds, each told in captioned shots."""
        self.slowly, self.due = on, 0.0
        if self.goal is not None:
            self._status(self.state, self.message)

    def edit(self, verb: str, args: dict[str, Any]) -> None:
        """Checked, then on disk, then in force from the next step on; during a replay, from the one after the last recorded."""
        edit = Edit(self.here, verb, dict(args))
        if self.run.diverged:
            raise BadInput(f"{self.run.diverged}; change it in a new run")
        knobs = self.run.check(edit, self.run.pending)
        if verb == "set":  # in the knob's own type, whatever came over the wire
            edit = replace(edit, args={name: getattr(knobs, name) for name in args})
        try:
            self.tape.promise({"edit": {"step": edit.step, "verb": verb, "args": edit.args}})
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._rest_full()
            raise BadInput(DISK_FULL) from None
        if self.ready:
            self.run.apply(edit)
            if verb != "set" and self.goal is None:  # at rest a person wants to see what she did
                self._guard(self.tape.again)
        else:
            self.unseen = self.unseen or verb != "set"
            self.run.pending.append(edit)

    def replay(self) -> None:
        """Up to the last step recorded, and rest there: opening the folder has begun it."""

    def stop(self) -> None:
        """End, and let go of the folder; `open` and `play` take it up again."""
        over = self.state in ("done", "diverged")
        self._end(*(self.state, self.message) if over else ("stopped", ""))

    def close(self, message: str = "") -> None:
        """Let go of the folder; what was running is left paused."""
        going = self.state in ("running", "starting")
        self._end(*("paused", message) if going else (self.state, self.message))

    # ------------------------------------------------------------ stepping

    def slice(self, seconds: float) -> None:
        """Work for about that long. Whatever goes wrong ends up in the journal's status, not in the caller."""
        deadline = time.perf_counter() + seconds
        if self.full:
            self._tell_later()
        while self.busy and not self.full:
            self._guard(self._once)
            if time.perf_counter() >= deadline:
                break
        if not (self.closed or self.full):
            self._flush()

    def _once(self) -> None:
        """One thing to do; each may be interrupted by a full disk and is then still to be done."""
        if self.tape.owed:
            self.tape.keep()
        elif not self.ready and (self.run.step >= self.target or self.run.over):
            self._catch_up()
        elif self.run.over or (self.goal is not None and self.run.step >= self.goal):
            self._rest()
        else:
            start = time.perf_counter()
            if (step := self.run.tick()) is None:
                return
            if 1 < self.run.step <= schedule.FIRST:
                self.tape.steps.append(time.perf_counter() - start)
            if self.slowly and self.ready:
                self.tape.shoot(step)
                self.due = time.monotonic() + PACE
            self.tape.moment(step)
            if not self.ready and time.monotonic() - self.told > 1:
                self._replaying(f"replayed {self.run.step:,} of {self.target:,} steps")
                self.told = time.monotonic()

    def _replaying(self, message: str = "") -> None:
        """Told as what will come of it: a run that goes on, or one at rest."""
        self._status("paused" if self.goal is None else "starting", message)

    def _catch_up(self) -> None:
        """The replay is over: go on as if it had never stopped."""
        if not self.tape.whole:
            raise Differs(f"the record goes on after step {self.run.step}, where the replay ends: start a new run")
        for edit in self.run.pending:  # made after the last step
            self.run.apply(edit)
        self.run.pending, self.ready = [], True
        if self.unseen:
            self.tape.again()
            self.unseen = False
        if self.goal is None:
            self._rest()
        elif self.run.step < self.goal:
            self._status("running")

    def _rest(self) -> None:
        """Come to a stop: at the goal, at the end of the fit, by a pause or a divergence."""
        at_end = self.run.done or self.run.step >= self.until
        if not self.run.diverged:
            if at_end:
                self.tape.measure()
            self.tape.film()
            if at_end or self.tape.small:
                self.tape.keep()
        self.goal = None
        self._status("diverged" if self.run.diverged else "done" if at_end else "paused", self.run.diverged)

    # ------------------------------------------------------------ what may go wrong

    def _guard(self, work: Any) -> None:
        try:
            work()
        except Differs as error:
            self._end("interrupted", str(error))
        except OSError as error:
            if error.errno in FULL:
                self._rest_full()
            else:
                self._end("stopped", f"{self.folder.path}: {error}")
        except Exception as error:  # a model's own error ends its run, not the worker
            self._end("stopped", f"failed at step {self.run.step}: {error or type(error).__name__}")

    def _flush(self) -> bool:
        """Whether the disk is too full."""
        self._guard(self.tape.flush)
        return self.full

    def _rest_full(self) -> None:
        """Nothing written is harmed, what is not waits in the buffers; the status gets on disk when a line fits."""
        self.full, self.goal = True, None
        self._status("paused", DISK_FULL)
        self._tell_later()

    def _tell_later(self) -> None:
        self.due = time.monotonic() + RETRY
        try:
            self.folder.append(JOURNAL, self.tape.buffers[JOURNAL])
            self.tape.buffers[JOURNAL].clear()
            self.due = math.inf
        except OSError as error:
            if error.errno not in FULL:
                raise

    def _status(self, state: str, message: str = "") -> None:
        self.state, self.message = state, message
        status = {"state": state, "step": self.here, "until": self.until, "message": message}
        self.tape.say({"status": {**status, "slow": True} if self.slowly else status})

    def _end(self, state: str, message: str) -> None:
        if self.closed:
            return
        self.closed, self.goal = True, None
        if (state, message) != (self.state, self.message):
            self._status(state, message)
        try:
            self.tape.flush()
        except OSError:
            pass  # unlocked and without a last word, the run shows as interrupted
        finally:
            self.folder.unlock()
