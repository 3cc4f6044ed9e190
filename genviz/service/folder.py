"""The run folder: run.json, three append-only streams, keyframes and a lock. Needs no torch.

run.json                    what was asked for, and in which environment it runs
journal · metrics · frames  docs/wire.md; a record's address is its byte offset, for ever
weights-<step>.safetensors  keyframes, full float32
lock                        held by the one process that writes; names it
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genviz import cards
from genviz.errors import BadInput, reading, writing
from genviz.paths import home
from genviz.service.streams import FRAMES, JOURNAL, METRICS, ROW, STREAMS, is_entry, line, records, sound, upto

ALIVE = ("running", "starting")  # states that need a living writer; starting: a replay goes on
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
INTERRUPTED = "its worker ended: press play to go on"
COPY_BACK = "put a whole copy back, or remove the run"
LONGEST = 200  # bytes of a run's name
DISK_FULL = "the disk is full: free some space, then press play"


@dataclass(frozen=True)
class RunInfo:
    """A run as lists show it."""

    id: str
    model: str
    data: str
    seed: int
    step: int
    until: int
    state: str
    created: float
    bytes: int
    title: str = ""
    message: str = ""
    forked: Mapping[str, Any] | None = None  # the run it came from, and at which step


class RunFolder:
    """One run on disk. Reading needs nothing; writing needs `lock()` first."""

    def __init__(self, path: Path) -> None:
        self.path, self.id = path, path.name
        self._lock = -1
        self._open: dict[str, int] = {}

    # ------------------------------------------------------------ reading

    @classmethod
    def info(cls, run_id: str, root: Path | None = None) -> dict[str, Any]:
        """The opening facts of a run: model, knobs, data, spec …"""
        return find(run_id, root).card

    @property
    def card(self) -> dict[str, Any]:
        """run.json, or a `BadInput` that says why this genviz cannot read it."""
        try:
            text = (self.path / "run.json").read_bytes()
        except OSError:
            raise BadInput(f"{self.path} holds no readable run.json: it is no run of genviz, take another folder") from None
        return cards.parsed(text, cards.Run, str(self.path / "run.json"))

    def rewrite(self, card: Mapping[str, Any]) -> None:
        """Replace run.json in one go: a reader sees the old one or the new one."""
        fresh = self.path / "run.json.new"
        fresh.write_text(json.dumps(card, indent=1))
        fresh.replace(self.path / "run.json")

    def read(self, stream: str) -> bytes:
        """The sound part of a stream; a `BadInput` if a journal goes on after it, as that cannot be regrown."""
        with reading(self.path / stream):
            try:
                data = (self.path / stream).read_bytes()
            except FileNotFoundError:
                return b""
        good = sound(stream, data)
        if stream == JOURNAL and any(map(is_entry, data[good:].splitlines()[1:])):
            where = f"{self.path / stream} is damaged at byte {good:,}, and sound records follow"
            raise BadInput(f"{where}: {COPY_BACK}")
        return data[:good]

    def journal(self) -> list[dict[str, Any]]:
        """All that the journal says, in order; a `BadInput` names the file and the line that is none of a journal."""
        lines = enumerate(self.read(JOURNAL).splitlines(), start=1)
        return [cards.judged(json.loads(text), cards.Entry, f"{self.path / JOURNAL}, line {n}", COPY_BACK) for n, text in lines]

    def entries(self, kind: str) -> list[Any]:
        """What the journal says under `kind`, in order."""
        return [entry[kind] for entry in self.journal() if kind in entry]

    def knobs(self, step: int = cards.MOST_STEPS) -> dict[str, Any]:
        """Those in force in that step, or in the next one to come: what the run began with, and the edits made before it."""
        edits = [edit for edit in self.entries("edit") if edit["verb"] == "set" and edit["step"] < step]
        return self.card["knobs"] | {name: value for edit in edits for name, value in edit["args"].items()}

    def unseen_action(self) -> bool:
        """Whether the last edit that is an action has no keyframe after it."""
        told = [json.loads(text) for text in self.read(JOURNAL).splitlines()]
        steps = [
            bool(entry.get("edit"))
            for entry in told
            if "keyframe" in entry or entry.get("edit", {}).get("verb", "set") != "set"
        ]
        return bool(steps) and steps[-1]

    def status(self) -> dict[str, Any]:
        """Where the run stands: what was last written, corrected if its writer is dead."""
        if not (told := self.entries("status")):
            return {"state": "starting", "step": 0, "until": self.card["until"], "message": ""}
        if told[-1]["state"] in ALIVE and not self.locked:
            return {**told[-1], "state": "interrupted", "step": self.last(), "message": INTERRUPTED}
        return told[-1]

    def last(self) -> int:
        """The last step in any of the streams."""
        return latest(self.journal(), self.read(METRICS), self.read(FRAMES))

    def weights(self, step: int) -> Path:
        return self.path / f"weights-{step}.safetensors"

    def keyframes(self) -> list[int]:
        """The steps whose weights are here, in order."""
        stems = (path.stem.removeprefix("weights-") for path in self.path.glob("weights-*.safetensors"))
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    # ------------------------------------------------------------ the lock

    @property
    def locked(self) -> bool:
        """Whether a living process, this one included, writes here."""
        with reading(self.path / "lock"):
            try:
                probe = os.open(self.path / "lock", os.O_RDONLY)
            except FileNotFoundError:
                return False
        try:
            fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(probe)

    def lock(self) -> None:
        """Become the one writer. The kernel drops the lock of a process that dies, so no lock is ever stale."""
        with writing(self.path / "lock"):
            fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        for patience in range(20):  # a reader that probes the lock holds it for a moment
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if patience == 19:
                    holder = os.pread(fd, 32, 0).decode() or "another process"
                    os.close(fd)
                    remedy = (
                        "the app lets go of a run that has rested for as long as it computed; wait, "
                        "remove it on the app's Runs page, or end that process"
                    )
                    raise BadInput(f"{self.path} is held by process {holder}: {remedy}") from None
                time.sleep(0.003)
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._lock = fd

    def unlock(self) -> None:
        for fd in (*self._open.values(), self._lock):
            if fd >= 0:
                os.close(fd)
        self._open, self._lock = {}, -1

    # ------------------------------------------------------------ writing

    def recover(self) -> int:
        """Cut what a crash left half written; the number of bytes dropped."""
        dropped = 0
        for stream in STREAMS:
            size = os.fstat(fd := self._file(stream)).st_size
            if size > (good := len(self.read(stream))):
                os.ftruncate(fd, good)
                dropped += size - good
        for scrap in self.path.glob("*.part"):
            scrap.unlink()
        return dropped

    def append(self, stream: str, data: bytes | bytearray, sync: bool = False) -> None:
        """All of `data` or, when the disk is full, none of it."""
        fd = self._file(stream)
        before, left = os.fstat(fd).st_size, memoryview(bytes(data))
        try:
            while left:
                left = left[os.write(fd, left) :]
            if sync:
                os.fsync(fd)
        except OSError:
            os.ftruncate(fd, before)
            raise

    def _file(self, stream: str) -> int:
        assert self._lock >= 0, "lock the folder before writing"
        if stream not in self._open:
            self._open[stream] = os.open(self.path / stream, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        return self._open[stream]


# ---------------------------------------------------------------- all of them


def root_of(root: Path | None = None) -> Path:
    return root or home() / "runs"


def touched(folder: RunFolder) -> None:
    for stream in STREAMS:
        (folder.path / stream).touch()


def create(
    wish: Mapping[str, Any], root: Path | None = None, name: str = "", fill: Callable[[RunFolder], None] = touched
) -> RunFolder:
    """A new folder that holds a `build.wish`; whoever opens it first adds the data's hash and the environment.

    `fill` makes its files; run.json comes last, for with it the folder becomes a run.
    """
    now = time.time()
    name = name or f"{wish['model']}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(3)}"
    if name != Path(name).name or name.startswith(".") or len(os.fsencode(name)) > LONGEST:
        raise BadInput(f"{name[:80]!r} is no name for a run: give one without slashes, of at most {LONGEST} bytes")
    folder = RunFolder(root_of(root) / name)
    with writing(folder.path):
        try:
            folder.path.mkdir(parents=True)
        except FileExistsError:
            taken = f"there is a run {name!r} already"
            raise BadInput(f"{taken}: go on with it by genviz runs resume {name}, or take another name") from None
        try:
            fill(folder)
            folder.rewrite({"version": cards.VERSION, "created": now, **wish})
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
    return folder


def fork(run_id: str, step: Any, root: Path | None = None, name: str = "") -> RunFolder:
    """A new run that stands at `step` of another one: what that recorded up to there is its own past, its future is open.

    An edit made at `step` itself is in force from step + 1 on, so it belongs to the other one's future; an action changes what
    was kept and drawn of its own step, which is then left out, and grows again. Whoever opens the folder replays it silently
    to `step`, as for any folder, and goes on from there.
    """
    parent = find(run_id, root)
    card, journal, status = parent.card, parent.journal(), parent.status()
    rows, film = parent.read(METRICS), parent.read(FRAMES)
    head = latest(journal, rows, film)
    reached(run_id, step, head)
    if status["state"] == "diverged" and step >= status["step"]:
        raise BadInput(f"{run_id} {status['message'] or 'diverged'}: fork it before that step")
    if not is_there(card["data"]):
        raise BadInput(f"a fork trains again up to its step, and the data file {card['data']} is gone: put it back")
    acted = any(entry["edit"]["verb"] != "set" and entry["edit"]["step"] == step for entry in journal if "edit" in entry)
    kept = step - acted
    past = [
        entry
        for entry in journal
        if entry.keys() & {"columns", "every"}  # names and spacing of what is still to come, so that the two can be compared
        or entry.get("keyframe", step + 1) <= kept
        or ("edit" in entry and entry["edit"]["step"] < step)
    ]
    now = {"state": "paused", "step": step, "until": max(step, status["until"]), "message": ""}
    card |= {"forked": {"run": run_id, "step": step}, "created": time.time()}

    def fill(folder: RunFolder) -> None:
        told = [{"open": card}, *past, {"status": now}] if journal else []  # a run that nobody has opened has no past
        (folder.path / JOURNAL).write_bytes(b"".join(map(line, told)))
        (folder.path / METRICS).write_bytes(upto(METRICS, rows, step))
        (folder.path / FRAMES).write_bytes(upto(FRAMES, film, kept))
        for keyframe in {entry["keyframe"] for entry in past if "keyframe" in entry}:
            with suppress(FileNotFoundError):  # the replay writes it again
                shared(parent.weights(keyframe), folder.weights(keyframe))

    return create(card, root, name, fill)


def reached(run_id: str, step: Any, head: int) -> None:
    """A `BadInput` unless the run, which stands at `head`, has been at `step`."""
    if type(step) is not int or not 0 <= step <= head:
        raise BadInput(f"cannot fork {run_id} at step {step!r}: give a whole number from 0 to {head}, where it stands")


def is_there(data: str) -> bool:
    """Whether these data can be had: sets of genviz always, the user's own while there is a file of that path."""
    return not os.path.isabs(data) or any(map(os.path.exists, (data, data.rpartition(":")[0])))


def shared(path: Path, beside: Path) -> None:
    """One file under two names: weights are replaced as a whole, never written into."""
    try:
        os.link(path, beside)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(path, beside)


def latest(journal: Sequence[Mapping[str, Any]], rows: bytes, film: bytes) -> int:
    """The last step in any of the streams."""
    steps = [step for _, _, step, _ in records(film)]
    edits = [entry["edit"]["step"] for entry in journal if "edit" in entry]
    told = [entry["status"] for entry in journal if "status" in entry]
    stops = [status["step"] for status in told if status["state"] != "starting"]
    return max([*steps, *edits, *stops, ROW.unpack_from(rows, len(rows) - ROW.size)[0] if rows else 0], default=0)


def find(run_id: str, root: Path | None = None) -> RunFolder:
    """The folder of that id, directly below the runs; anything else is a `BadInput`."""
    base = root_of(root)
    try:
        path = (base / run_id).resolve()
        inside = path.parent == base.resolve() and path.name == run_id and (path / "run.json").is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        raise BadInput(f"there is no run {run_id[:80]!r} in {base}: it may have been removed")
    return RunFolder(base / run_id)


def listed(folder: RunFolder) -> RunInfo:
    """A run as lists show it."""
    card, status = folder.card, folder.status()
    size = sum(path.stat().st_size for path in folder.path.iterdir() if path.is_file())
    step = folder.last() if status["state"] in (*ALIVE, "interrupted") else status["step"]
    named = {"title": card.get("title", ""), "message": status["message"], "forked": card.get("forked")}
    until, state = status["until"], status["state"]
    return RunInfo(folder.id, card["model"], card["data"], card["seed"], step, until, state, card["created"], size, **named)


def runs(root: Path | None = None, passed: Callable[[str], object] = lambda why: None) -> list[RunInfo]:
    """Every run that this genviz can read, the newest first; of the others, `passed` is told why not."""
    found = []
    for path in root_of(root).glob("*/run.json"):
        try:
            found.append(listed(find(path.parent.name, root)))
        except (BadInput, OSError) as error:
            passed(str(error))
    return sorted(found, key=lambda run: -run.created)


def remove(run_id: str, root: Path | None = None) -> None:
    """Delete a run that nobody writes."""
    folder = find(run_id, root)
    folder.card  # noqa: B018 (a folder of a newer genviz is not ours to delete)
    folder.lock()
    try:
        with writing(folder.path, "ask its owner"):
            shutil.rmtree(folder.path)
    finally:
        folder.unlock()


def settle(run_id: str, root: Path | None = None) -> None:
    """Write into the journal of a run whose writer died that it is interrupted, so that its viewers see it."""
    folder = find(run_id, root)
    if folder.status()["state"] != "interrupted":
        return
    folder.lock()
    try:
        folder.recover()
        if (status := folder.entries("status")[-1])["state"] in ALIVE:
            now = {"state": "interrupted", "step": folder.last(), "message": INTERRUPTED}
            folder.append(JOURNAL, line({"status": {**status, **now}}))
    finally:
        folder.unlock()


def settle_all(root: Path | None = None) -> None:
    for run in runs(root):
        if run.state == "interrupted":
            try:
                settle(run.id, root)
            except (BadInput, OSError):
                continue  # somebody else just took it, or it just went
