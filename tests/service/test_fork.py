"""A fork is its parent up to the step, bit for bit, and free from there."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
import torch
from starlette.websockets import WebSocket

from genviz.errors import BadInput
from genviz.service import folder, runs
from genviz.service.live import Viewer
from genviz.service.pool import Pool
from genviz.service.recorder import Recorder
from genviz.service.streams import FRAME, FRAMES, METRICS, ROW, SHOT, records

from .conftest import SMALL, Short, eventually, finish
from .conftest import streams as read

END = 60
EDITS: Sequence[tuple[int, Mapping[str, float]]] = ((10, {"lr": 3e-3}), (25, {"batch": 31}), (25, {"beta": 0.5}))


@pytest.fixture
def parent(home: Path) -> Recorder:
    """Finished, with edits at 10 and 25, and a stop at 33."""
    run = Recorder.create("vae", SMALL, "moons:n=200", 3, END)
    for step, args in EDITS:
        if run.run.step < step:
            run.play(step)
            finish(run)
        run.edit("set", dict(args))
    for until in (33, END):
        run.play(until)
        finish(run)
    run.stop()
    assert run.state == "done", run.message
    return run


def on(name: str, step: int, edits: Sequence[tuple[int, Mapping[str, float]]] = ()) -> Recorder:
    """A fork, with edits made on the way, played to its end."""
    run = Recorder.fork(name, step)
    finish(run)
    assert (run.run.step, run.state) == (step, "done" if step == END else "paused"), run.message
    for at, args in edits:
        if run.run.step < at:
            run.play(at)
            finish(run)
        run.edit("set", dict(args))
    if step < END:
        run.play()
        finish(run)
    run.stop()
    assert (run.run.step, run.state) == (END, "done"), run.message
    return run


def weights(run: Recorder, step: int = END) -> bytes:
    return run.folder.weights(step).read_bytes()


@pytest.mark.parametrize("step", [0, 1, 10, 16, 25, 33, 41, END])
def test_a_fork_with_nothing_changed_is_its_parent_bit_for_bit(parent: Recorder, step: int) -> None:
    before = {path: path.read_bytes() for path in parent.folder.path.iterdir() if path.name != "lock"}
    later = tuple((at, args) for at, args in EDITS if at >= step)  # those at the step itself belong to the parent's future
    twin = on(parent.folder.id, step, later)
    assert weights(twin) == weights(parent)
    assert read(twin.folder.path)[1] == read(parent.folder.path)[1]
    assert [(edit.step, edit.args) for edit in twin.run.edits] == list(EDITS)
    assert twin.folder.card["forked"] == {"run": parent.folder.id, "step": step}
    assert {path: path.read_bytes() for path in before} == before, "the parent was touched"


def test_a_fork_shows_its_past_at_once(parent: Recorder) -> None:
    fresh = folder.fork(parent.folder.id, 41)
    (_, metrics, frames), (_, all_metrics, all_frames) = read(fresh.path), read(parent.folder.path)
    assert all_metrics.startswith(metrics) and {row[0] for row in ROW.iter_unpack(metrics)} == set(range(42))
    assert all_frames.startswith(frames)
    assert [step for *_, step, _ in records(frames)] == [step for *_, step, _ in records(all_frames) if step <= 41]
    assert fresh.keyframes() == fresh.entries("keyframe") == [step for step in parent.folder.keyframes() if step <= 41]
    assert fresh.status() == {"state": "paused", "step": 41, "until": END, "message": ""}
    assert fresh.entries("every") == parent.folder.entries("every")
    (info,) = [info for info in runs() if info.id == fresh.id]
    assert (info.step, info.state, info.forked) == (41, "paused", {"run": parent.folder.id, "step": 41})
    os.truncate(parent.folder.path / FRAMES, 0)
    parent.folder.weights(16).unlink()
    assert finish(Recorder.open(fresh.id)).run.step == 41, "a fork needs its parent no more"


def test_its_pictures_go_on_where_its_parents_were_taken(parent: Recorder) -> None:
    twin = on(parent.folder.id, 41)
    ours, theirs = ({step for *_, step, kind in records(read(run.folder.path)[2]) if kind == FRAME} for run in (twin, parent))
    assert theirs <= ours <= theirs | {41}  # it rested at 41
    assert not [1 for *_, kind in records(read(twin.folder.path)[2]) if kind == SHOT]


def test_forks_of_forks(parent: Recorder) -> None:
    first = on(parent.folder.id, 41)
    second = on(first.folder.id, 50)
    third = on(second.folder.id, 5, EDITS)
    for run in (first, second, third):
        assert weights(run) == weights(parent)
        assert read(run.folder.path)[1] == read(parent.folder.path)[1]


@pytest.mark.parametrize("step", [10, 33])
def test_an_edit_made_during_the_replay_is_in_force_from_the_next_step(parent: Recorder, step: int) -> None:
    run = Recorder.fork(parent.folder.id, step)
    assert not run.ready
    run.told -= 2
    run.slice(0)
    run.slice(0)
    assert (run.state, run.message) == ("paused", f"replayed 1 of {step} steps")
    run.play()
    assert run.state == "starting"
    run.pause()
    assert (run.state, run.message) == ("paused", "")
    run.edit("set", {"lr": 0.05})
    finish(run).play()
    finish(run).stop()
    assert run.folder.entries("edit")[-1] == {"step": step, "verb": "set", "args": {"lr": 0.05}}
    same = on(parent.folder.id, step, ((step, {"lr": 0.05}),))
    assert weights(run) == weights(same) != weights(parent)
    rows, others = read(run.folder.path)[1], read(parent.folder.path)[1]
    first = next(row for row, other in zip(ROW.iter_unpack(rows), ROW.iter_unpack(others), strict=False) if row != other)
    assert first[0] == step + 2  # the loss of step + 1 is that of the weights before it


def test_a_run_that_trains_is_forked_and_trains_on(workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=400", 5, 100_000)
    eventually(lambda: folder.find(run).last() > 60)
    fresh = workers.fork(run, 50)
    head = folder.find(run).last()
    eventually(lambda: folder.find(run).last() > head)
    assert folder.find(run).status()["state"] == "running"
    assert workers.command(run, "stop") == ""
    assert workers.command(fresh, "play", {"until": 60}) == ""
    eventually(lambda: folder.find(fresh).last() == 60 and folder.find(fresh).status()["state"] == "paused")
    (_, ours, _), (_, theirs, _) = read(folder.find(fresh).path), read(folder.find(run).path)
    assert theirs.startswith(ours)


def test_the_replay_needs_no_further_command(workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=400", 5, 50)
    eventually(lambda: folder.find(run).status()["state"] == "done")
    fresh = folder.find(workers.fork(run, 37))
    eventually(lambda: 37 in fresh.keyframes() and [step for *_, step, _ in records(fresh.read(FRAMES))][-1] == 37)
    assert fresh.status()["state"] == "paused"


def test_the_answer_over_the_wire_names_the_new_run(workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=400", 5, 20)
    eventually(lambda: folder.find(run).status()["state"] == "done")
    socket = AsyncMock(WebSocket)

    async def ask() -> None:
        viewer = Viewer(socket)
        for call, args in enumerate(({"step": 7}, {"step": 21}, {"step": "7"}, {})):
            await viewer.command({"do": "fork", "run": run, "call": call, "args": args})

    asyncio.run(ask())
    told = [json.loads(call.args[0]) for call in socket.send_text.call_args_list]
    assert told[0] == {"call": 0, "error": "", "run": told[0]["run"]} and folder.find(told[0]["run"]).last() == 7
    assert all("whole number from 0 to 20" in answer["error"] and "run" not in answer for answer in told[1:])


@pytest.mark.parametrize("step", [-1, 41, 1.0, True, None])
def test_a_step_that_was_never_reached_is_refused(short: Short, step: object) -> None:
    with pytest.raises(BadInput, match="whole number from 0 to 40"):
        folder.fork(short.folder.id, step)
    assert len(runs()) == 1


def test_a_data_file_that_is_gone_is_said_at_once(home: Path) -> None:
    mine = home / "mine.csv"
    mine.write_text("\n".join(["a,b", *(f"{i},{i * i % 7}" for i in range(50))]))
    run = Recorder.create("vae", SMALL, f"{mine}:rows=20", 0, 8)
    run.play()
    finish(run).stop()
    mine.rename(home / "elsewhere.csv")
    with pytest.raises(BadInput, match=r"mine\.csv:rows=20 is gone: put it back"):
        folder.fork(run.folder.id, 4)
    assert len(runs()) == 1
    (home / "elsewhere.csv").rename(mine)
    twin = Recorder.fork(run.folder.id, 4)
    finish(twin).play()
    assert weights(finish(twin), 8) == weights(run, 8)
    twin.stop()


def test_a_damaged_parent_is_named(short: Short) -> None:
    path = short.folder.path
    journal = (path / "journal").read_bytes()
    lines = journal.splitlines(keepends=True)
    (path / "journal").write_bytes(b"".join([*lines[:2], b"noise\n", *lines[2:]]))
    with pytest.raises(BadInput, match="journal is damaged at byte .* put a whole copy back"):
        folder.fork(short.folder.id, 4)
    (path / "journal").write_bytes(journal)
    (path / "run.json").write_text("{")
    with pytest.raises(BadInput, match="no readable JSON"):
        folder.fork(short.folder.id, 4)
    assert len(list(path.parent.iterdir())) == 1


def test_what_a_crash_took_from_the_parent_grows_again_in_the_fork(short: Short) -> None:
    path = short.folder.path
    whole = read(path)[1]
    os.truncate(path / METRICS, 7 * ROW.size + 5)
    os.truncate(path / FRAMES, (path / FRAMES).stat().st_size // 3)
    short.folder.weights(16).unlink()
    short.folder.weights(8).write_bytes(b"noise")
    twin = Recorder.fork(short.folder.id, 32)
    finish(twin)
    assert read(twin.folder.path)[1] == b"".join(ROW.pack(*row) for row in ROW.iter_unpack(whole) if row[0] <= 32)
    twin.play()
    assert weights(finish(twin), 40) == short.folder.weights(40).read_bytes()
    assert twin.folder.weights(8).read_bytes() != b"noise" == short.folder.weights(8).read_bytes()
    twin.stop()


def test_a_run_that_diverged_is_forked_before_that(home: Path) -> None:
    run = Recorder.create("vae", {**SMALL, "lr": 0.1}, "moons:n=200", 0, 400)
    run.play(10)
    finish(run)
    with torch.no_grad():
        next(run.run.model.parameters()).fill_(torch.nan)
    run.play()
    finish(run).stop()
    assert run.state == "diverged"
    with pytest.raises(BadInput, match="diverged at step .* fork it before"):
        folder.fork(run.folder.id, run.run.step)
    twin = finish(Recorder.fork(run.folder.id, 10))
    assert twin.state == "paused", twin.message
    twin.stop()
