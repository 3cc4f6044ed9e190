"""A run's folder survives what happens to folders: crashes, full disks, other programs, other versions."""

import errno
import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch

import genviz.stage.pack as pack
from genviz.errors import BadInput
from genviz.service import folder, remove, runs, scene_file, streams
from genviz.service.pool import Pool
from genviz.service.recorder import Recorder
from genviz.service.scene import unpack
from genviz.service.streams import FRAMES, JOURNAL, METRICS, RECORD, ROW, STREAMS, records, sound

from .conftest import SMALL, Short, finish
from .conftest import streams as read


def test_records_are_those_of_the_stage() -> None:
    assert (RECORD.format, streams.MAGIC) == (pack.RECORD.format, pack.MAGIC)
    assert (streams.SCENE, streams.FRAME, streams.SHOT) == (pack.LAYOUT, pack.FRAME, pack.SHOT)


def test_what_a_finished_run_holds(short: Short) -> None:
    path = short.folder.path
    journal, metrics, frames = read(path)
    assert json.loads(journal.splitlines()[0])["open"].items() >= {"model": "vae", "seed": 3, "until": 40, "version": 1}.items()
    steps = [step for step, *_ in ROW.iter_unpack(metrics)]
    assert sorted(set(steps)) == list(range(41)) and steps == sorted(steps)  # 0 has the figures before the first step
    kinds = [(step, kind) for _, _, step, kind in records(frames)]
    assert kinds[:2] == [(0, streams.SCENE), (0, streams.FRAME)] and kinds[-1] == (40, streams.FRAME)
    assert {0, 1, 2, 4, 8, 16, 32} < {step for step, _ in kinds}
    assert short.folder.entries("keyframe") == short.folder.keyframes() and {0, 1, 2, 4, 8, 16, 32, 40} <= set(
        short.folder.keyframes()
    )
    assert short.folder.card["environment"]["torch"] == torch.__version__
    (info,) = runs()
    assert (info.id, info.state, info.step, info.data) == (short.folder.id, "done", 40, "moons:n=200")


def test_a_tail_torn_at_any_byte_is_cut_and_only_it(short: Short) -> None:
    start = 0
    for stream, data in zip(STREAMS, read(short.folder.path), strict=True):
        if stream == FRAMES:
            *_, (start, _, _, _) = records(data)
        else:
            start = data[:-1].rfind(b"\n") + 1 if stream == JOURNAL else len(data) - ROW.size
        assert sound(stream, data) == len(data)
        assert all(sound(stream, data[:end]) == start for end in range(start, len(data)))
    frames = read(short.folder.path)[2]
    for at in range(start + RECORD.size, len(frames), 97):  # a flipped byte of the last picture
        assert sound(FRAMES, frames[:at] + bytes([frames[at] ^ 1]) + frames[at + 1 :]) == start


@pytest.mark.parametrize("torn", STREAMS)
def test_a_torn_run_regrows_what_it_lost(short: Short, torn: str) -> None:
    path = short.folder.path
    _, metrics, frames = read(path)
    os.truncate(path / torn, (path / torn).stat().st_size - 7)
    if torn == JOURNAL:
        with (path / JOURNAL).open("ab") as file:
            file.write(b'{"edit":{"step":40,"ver')
    (path / "weights-40.safetensors").unlink()
    run = Recorder.open(short.folder.id)
    assert run.dropped > 0
    run.pause()
    finish(run)
    assert (run.state, run.run.step) == ("done", 40), run.message
    again = read(path)
    assert again[1] == metrics and len(again[2]) == len(frames)
    assert (path / "weights-40.safetensors").exists() and not run.run.edits
    if torn != FRAMES:
        assert again[2] == frames
    run.stop()


def test_edits_are_replayed_and_a_resumed_run_equals_one_in_one_go() -> None:
    whole = Recorder.create("vae", SMALL, "moons:n=200", 1, 30)
    whole.play(17)
    finish(whole).edit("set", {"lr": 1e-3})
    whole.play()
    finish(whole).stop()
    parts = Recorder.create("vae", SMALL, "moons:n=200", 1, 30)
    parts.play(17)
    finish(parts).edit("set", {"lr": 1e-3})
    parts.stop()
    parts = Recorder.open(parts.folder.id)
    parts.play()
    finish(parts).stop()
    assert [edit.step for edit in parts.run.edits] == [17]
    name = "weights-30.safetensors"
    assert (whole.folder.path / name).read_bytes() == (parts.folder.path / name).read_bytes()
    assert read(whole.folder.path)[1] == read(parts.folder.path)[1]
    parts = Recorder.open(parts.folder.id)
    parts.play()  # on by as many again
    assert finish(parts).run.step == 60
    for wrong in ({"lr": 9.0}, {"latent": 3}, {"nonsense": 1}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            parts.edit("set", wrong)
    parts.stop()


def test_a_replay_that_differs_says_where(short: Short) -> None:
    path = short.folder.path / METRICS
    rows = list(ROW.iter_unpack(path.read_bytes()))
    at = next(i for i, (step, column, _, _) in enumerate(rows) if step == 9 and column == short.columns.index("kl"))
    rows[at] = (*rows[at][:3], rows[at][3] + 1)
    path.write_bytes(b"".join(ROW.pack(*row) for row in rows))
    short.folder.rewrite({**short.card, "environment": {**short.card["environment"], "torch": "1.0"}})
    run = Recorder.open(short.folder.id)
    run.play(50)
    finish(run)
    assert run.closed and run.state == "interrupted"
    assert "step 9 in kl" in run.message and "torch was 1.0, is " in run.message
    assert short.folder.status()["message"] == run.message
    assert path.read_bytes() == b"".join(ROW.pack(*row) for row in rows)


@pytest.mark.parametrize("room", [50, 1000, 9000])
def test_a_full_disk_harms_nothing_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch, short: Short, room: int) -> None:
    left, write = [room], os.write

    def meagre(fd: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = write(fd, bytes(data)[: left[0]])
        left[0] -= n
        return n

    run = Recorder.create("vae", SMALL, "moons:n=200", 3, 40)
    before = read(run.folder.path)
    monkeypatch.setattr(os, "write", meagre)
    try:
        run.play()
        finish(run)
    except BadInput as error:
        assert "disk is full" in str(error)
    assert run.state == "paused" and "disk is full" in run.message and run.full
    with pytest.raises(BadInput, match="disk is full"):
        run.edit("set", {"lr": 1e-3})
    for stream, old, new in zip(STREAMS, before, read(run.folder.path), strict=True):
        assert new.startswith(old) and sound(stream, new) == len(new)
    with pytest.raises(BadInput, match="disk is full"):
        run.play()
    left[0] = 1 << 30
    run.play()
    finish(run).stop()
    assert run.state == "done" and not run.run.edits
    assert read(run.folder.path)[1] == read(short.folder.path)[1]
    assert short.folder.keyframes() == run.folder.keyframes()


def test_a_keyframe_that_finds_no_room_is_written_later(monkeypatch: pytest.MonkeyPatch, short: Short) -> None:
    run = Recorder.create("vae", SMALL, "moons:n=200", 3, 40)

    write = Path.write_bytes

    def half(path: Path, data: bytes) -> None:
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        run.play()
        finish(run)
        assert run.full and run.run.step == 1 and run.folder.keyframes() == [0] and not list(run.folder.path.glob("*.part"))
    run.play()
    finish(run).stop()
    assert run.folder.keyframes() == short.folder.keyframes()


def test_a_diverged_run_keeps_its_last_good_weights() -> None:
    run = Recorder.create("vae", SMALL, "moons:n=200", 0, 60)
    run.play(20)
    finish(run)
    with torch.no_grad():
        next(run.run.model.parameters()).fill_(torch.nan)
    run.play()
    finish(run).stop()
    assert run.state == "diverged" and "lr" in run.message and run.folder.keyframes()[-1] == 20
    assert max(step for _, _, step, _ in records(read(run.folder.path)[2])) == 20
    with pytest.raises(BadInput, match="NaN|step"):
        run.play()


def test_one_writer_at_a_time() -> None:
    run = Recorder.create("vae", SMALL, "moons:n=200", 0, 10)
    with pytest.raises(BadInput, match=f"process {os.getpid()}"):
        Recorder.open(run.folder.id)
    with pytest.raises(BadInput, match="process"):
        remove(run.folder.id)
    run.close()
    (run.folder.path / "lock").write_text("999999")  # of a process that died
    remove(run.folder.id)
    assert not run.folder.path.exists() and runs() == []


def test_what_cannot_be_opened_says_why(short: Short, home: Path) -> None:
    path, card = short.folder.path, short.folder.card

    def refused(**change: object) -> str:
        short.folder.rewrite({**card, **change})
        with pytest.raises(BadInput) as caught:
            Recorder.open(short.folder.id)
        assert str(path) in str(caught.value)
        return str(caught.value)

    before = read(path)
    assert "newer genviz" in refused(version=2)
    assert runs() == [] and read(path) == before
    assert "no model is called 'vea'" in refused(model="vea")
    assert "other rows" in refused(sha256="0" * 64)
    assert "no data is called" in refused(data="moonz")
    assert short.folder.status().items() >= {"state": "stopped", "step": 40, "until": 40}.items()
    assert short.folder.status()["message"].startswith(str(path))
    (home / "runs" / "foreign").mkdir()
    (home / "secret").mkdir()
    shutil.copy(path / "run.json", home / "secret" / "run.json")
    (home / "runs" / "link").symlink_to(home / "secret")
    for name in ("foreign", "link", "", ".", "..", "../secret", "a/../../secret", str(home / "secret"), "x\0y", "x" * 300):
        with pytest.raises(BadInput, match="there is no run"):
            folder.find(name)
    for text, says in (
        ("{", "no readable JSON"),
        ('{"version": 1}', "run.json, model: Field required"),
        (json.dumps({**card, "seed": "3"}), "run.json, seed: .*integer"),
        (json.dumps({**card, "spec": {**card["spec"], "shape": ["2"]}}), "run.json, spec.shape.0: .*integer"),
        (json.dumps({**card, "knobs": {"spec": 1}}), "no knob 'spec'"),
        ("[" * 100_000, "no readable JSON"),
        (json.dumps({**card, "until": 2**32}), "run.json, until: .*4294967295"),
        ("[]", "run.json, all of it"),
    ):
        (path / "run.json").write_text(text)
        with pytest.raises(BadInput, match=says):
            Recorder.open(short.folder.id)
    passed: list[str] = []
    assert runs(passed=passed.append) == [] and any("run.json, all of it" in why for why in passed)
    for wrong, says in (
        ({"model": "vea"}, "no model"),
        ({"knobs": {"lr": 99}}, "lr = 99"),
        ({"data": "moonz"}, "no data"),
        ({"data": "ising"}, "ising has no rows to learn from"),
        ({"until": 0}, "steps = 0"),
        ({"until": 2**32}, "from 1 to 4,294,967,295"),
        ({"seed": -1}, "seed = -1"),
    ):
        wish = {"model": "vae", "knobs": {}, "data": "moons", "seed": 0, "until": 5, **wrong}
        with pytest.raises(BadInput, match=says):
            Recorder.create(**wish)


def test_a_journal_damaged_in_the_middle_is_left_as_it_is(short: Short) -> None:
    path = short.folder.path / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    for damage in (b'{"edit": {"step": 4\n', bytes(40), b"7\n"):
        path.write_bytes(b"".join([*lines[:3], damage, b"\n", *lines[3:]]))
        before, at = read(short.folder.path), len(b"".join(lines[:3]))
        with pytest.raises(BadInput, match=f"{path} is damaged at byte {at:,}"):
            Recorder.open(short.folder.id)
        assert read(short.folder.path) == before and not short.folder.locked and runs() == []
    remove(short.folder.id)


STATUS = {"state": "done", "step": 40, "until": 40, "message": ""}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"status": {**STATUS, "step": "x"}}, "status.step"),
        ({"status": {**STATUS, "state": "odd"}}, "status.state"),
        ({"status": {**STATUS, "until": True}}, "status.until"),
        ({"status": {"state": "done"}}, "status.step: Field required"),
        ({"status": None}, "status"),
        ({"edit": {"step": -1, "verb": "set", "args": {}}}, "edit.step"),
        ({"edit": {"step": 2**32, "verb": "set", "args": {}}}, "edit.step"),
        ({"edit": {"step": 4, "verb": "set", "args": {}, "odd": 1}}, "edit.odd"),
        ({"columns": [1]}, "columns.0"),
        ({"keyframe": "4"}, "keyframe"),
        ({"every": 0}, "every"),
    ],
)
def test_an_odd_line_of_a_journal_is_named_and_its_run_passed_over(short: Short, entry: dict[str, Any], says: str) -> None:
    path, passed = short.folder.path / JOURNAL, list[str]()
    with path.open("ab") as file:
        file.write(streams.line(entry))
    where = f"{path}, line {len(path.read_bytes().splitlines())}, {says}"
    found = folder.find(short.folder.id)
    for look in (found.status, lambda: found.entries("edit"), lambda: Recorder.open(found.id)):
        with pytest.raises(BadInput, match=where):
            look()
    assert runs(passed=passed.append) == [] and len(passed) == 1 and where in passed[0]
    remove(found.id)


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ([(50, "set", {"lr": 0.1})], "after the run's end"),
        ([(9, "set", {"lr": 0.1}), (8, "set", {"lr": 0.1})], "out of order"),
        ([(9, "set", {"lr": 99})], "lr = 99 is outside"),
        ([(9, "set", {"latent": 3})], "latent cannot change"),
        ([(9, "save", {"path": "stolen"})], "vae cannot 'save'"),
    ],
)
def test_an_edit_that_cannot_have_been_is_not_made(short: Short, edits: list[Any], says: str) -> None:
    with (short.folder.path / JOURNAL).open("ab") as file:
        for step, verb, args in edits:
            file.write(streams.line({"edit": {"step": step, "verb": verb, "args": args}}))
    try:
        finish(Recorder.open(short.folder.id))
    except BadInput as error:
        assert says in str(error)
    assert not short.folder.locked and short.folder.status()["state"] == "stopped"
    assert says in short.folder.status()["message"] and not Path("stolen").exists()


def test_an_edit_during_a_replay_survives_a_kill(short: Short) -> None:
    whole = Recorder.create("vae", SMALL, "moons:n=200", 3, 40)
    whole.play()
    finish(whole).edit("set", {"lr": 1e-3})
    whole.edit("set", {"batch": 10})
    run = Recorder.open(short.folder.id)
    run._once()
    for args in ({"lr": 1e-3}, {"batch": 10}):
        run.edit("set", args)
    with pytest.raises(BadInput, match="lr"):
        run.edit("set", {"lr": 99})
    assert 0 < run.run.step < 40
    run.folder.unlock()  # as the kernel does for a process that was killed
    run = Recorder.open(short.folder.id)
    for each in (whole, run):
        each.play(60)
        finish(each).stop()
    assert run.run.edits == whole.run.edits and [edit.step for edit in run.run.edits] == [40, 40]
    name = "weights-60.safetensors"
    assert (run.folder.path / name).read_bytes() == (whole.folder.path / name).read_bytes()


def test_a_damaged_keyframe_is_written_anew(short: Short) -> None:
    good = {step: short.folder.weights(step).read_bytes() for step in (0, 8, 40)}
    for step, content in good.items():
        short.folder.weights(step).write_bytes(content[: len(content) // 2])
    run = Recorder.open(short.folder.id)
    run.play(45)
    finish(run).stop()
    assert {step: short.folder.weights(step).read_bytes() for step in good} == good


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 50.5, 50.0, True, "50", 2**32])
def test_steps_are_counted_in_whole_numbers(short: Short, number: Any) -> None:
    run = Recorder.open(short.folder.id)
    before = read(short.folder.path)
    for command in (run.play, run.step):
        with pytest.raises(BadInput, match="whole number|too far"):
            command(number)
    run.close()
    assert read(short.folder.path) == before


def test_where_nothing_can_be_written_is_said(home: Path, monkeypatch: pytest.MonkeyPatch, workers: Pool) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("GENVIZ_HOME", str(home / "file" / "below"))
    for start in (lambda *wish: Recorder.create(*wish), workers.start):
        with pytest.raises(BadInput, match="file/below/runs/.* cannot be written .*GENVIZ_HOME"):
            start("vae", SMALL, "moons:n=200", 0, 10)
    assert runs() == []


def test_a_run_closed_during_its_replay_stands_where_it_stood(short: Short) -> None:
    for play in (False, True):
        run = Recorder.open(short.folder.id)
        if play:
            run.play(60)
        run._once()
        assert 0 < run.run.step < 40
        run.close()
        status = short.folder.status()
        assert (status["step"], status["state"]) == (40, "paused" if play else "done")
    run = Recorder.open(short.folder.id)
    run.stop()
    assert short.folder.status()["step"] == 40


def test_data_are_found_again_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("1,2\n2,1\n" * 10)
    monkeypatch.chdir(tmp_path)
    run = Recorder.create("vae", {**SMALL, "batch": 4}, "a.csv:rows=12", 0, 5)
    run.close()
    monkeypatch.chdir("/")
    run = Recorder.open(run.folder.id)
    assert run.data.name == f"{tmp_path / 'a.csv'}:rows=12"
    run.close()


def test_slow_motion_tells_each_step_in_shots(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Recorder.create("vae", SMALL, "moons:n=200", 0, 10)
    monkeypatch.setattr("genviz.service.recorder.PACE", 9.0)
    run.slow(True)
    run.step(2)
    run.slice(0.01)
    assert run.run.step == 1 and 0 < run.wait <= 9
    monkeypatch.setattr("genviz.service.recorder.PACE", 0.0)
    run.slow(True)  # and it is due
    finish(run)
    assert (run.run.step, run.state, run.folder.entries("status")[-1]["slow"]) == (2, "paused", True)
    frames = read(run.folder.path)[2]
    shots = [
        (step, streams.header(frames[a + RECORD.size : b])) for a, b, step, kind in records(frames) if kind == streams.SHOT
    ]
    assert {step for step, _ in shots} == {1, 2} and all(shot["caption"] for _, shot in shots) and len(shots) > 4
    run.stop()


def test_a_scene_file_is_small_whole_and_repeatable(short: Short, tmp_path: Path) -> None:
    size = scene_file(short.folder.path, tmp_path / "a.scene")
    scene_file(short.folder.path, tmp_path / "b.scene")
    packed = (tmp_path / "a.scene").read_bytes()
    assert packed == (tmp_path / "b.scene").read_bytes() and len(packed) == size <= 300_000
    journal, metrics, frames = unpack(packed)
    entries = [json.loads(text) for text in journal.splitlines()]
    assert "open" in entries[0] and entries[-1]["status"]["state"] == "done" and not any("keyframe" in e for e in entries)
    assert len(metrics) % ROW.size == 0 and sound(FRAMES, frames) == len(frames)
    few = scene_file(short.folder.path, tmp_path / "c.scene", limit=size * 2 // 3)
    steps = [step for _, _, step, _ in records(unpack((tmp_path / "c.scene").read_bytes())[2])]
    assert few <= size * 2 // 3 and (steps[0], steps[-1]) == (0, 40)
    with pytest.raises(BadInput, match="smaller pictures"):
        scene_file(short.folder.path, tmp_path / "d.scene", limit=1000)
    assert zlib.crc32(frames[RECORD.size : RECORD.size + RECORD.unpack_from(frames)[1]]) == RECORD.unpack_from(frames)[5]
