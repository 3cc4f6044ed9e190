"""Real worker processes: killed, restarted, shared."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from genviz.errors import BadInput
from genviz.service import folder, remove, runs, worker
from genviz.service import pool as pools
from genviz.service.pool import Pool, pool
from genviz.service.recorder import Recorder
from genviz.service.streams import FRAMES, METRICS, ROW, sound
from genviz.service.worker import Seat, Worker

from .conftest import SMALL, Short, eventually, finish, streams

UNTIL = 240


def state(run: str) -> str:
    return folder.find(run).status()["state"]


def last(run: str) -> int:
    return folder.find(run).last()


def edited(workers: Pool) -> str:
    """A run with an edit at step 50 and two at step 80, resting there."""
    run = workers.start("vae", SMALL, "moons:n=400", 5, UNTIL)
    assert workers.command(run, "pause") == ""
    for stop, edits in ((50, [{"lr": 3e-3}]), (80, [{"batch": 37}, {"beta": 0.5}])):
        # the pause came after some steps: the first edit waits until 50
        if last(run) < stop:
            assert workers.command(run, "play", {"until": stop}) == ""
        eventually(lambda: state(run) == "paused")
        assert last(run) == stop
        for args in edits:
            assert workers.command(run, "edit", {"verb": "set", "args": args}) == ""
    return run


def path_of(run: str) -> Path:
    return folder.find(run).path


def test_killed_in_the_middle_and_resumed_it_ends_with_the_same_bits(workers: Pool) -> None:
    clean = edited(workers)
    assert workers.command(clean, "play") == ""
    run = edited(workers)
    eventually(lambda: state(clean) == "done")
    assert workers.command(run, "play") == ""
    eventually(lambda: last(run) > 120)
    os.kill(workers.links[0].process.pid, signal.SIGKILL)
    eventually(lambda: state(run) == "interrupted")
    seen = streams(path_of(run))
    assert 120 < last(run) < UNTIL, "killed too late to prove anything"
    for stream, torn in ((METRICS, b"\7\0\0"), (FRAMES, b"GVFR\0\1")):
        with (path_of(run) / stream).open("ab") as file:
            file.write(torn)  # what a kill in the middle of a write leaves
    eventually(lambda: len(workers.links) == 1)
    assert workers.command(run, "play") == ""
    eventually(lambda: state(run) == "done")
    name = f"weights-{UNTIL}.safetensors"
    assert (path_of(run) / name).read_bytes() == (path_of(clean) / name).read_bytes()
    now = streams(path_of(run))
    assert all(new.startswith(old) for new, old in zip(now, seen, strict=True)), "a viewer's offset is no longer good"
    assert now[1] == streams(path_of(clean))[1]
    assert sorted({step for step, *_ in ROW.iter_unpack(now[1])}) == list(range(UNTIL + 1))
    assert sound(FRAMES, now[2]) == len(now[2])
    assert [edit["step"] for edit in folder.find(run).entries("edit")] == [50, 80, 80]


def test_a_server_restart_leaves_runs_paused_and_play_goes_on(workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=400", 5, 100_000)
    eventually(lambda: last(run) > 20)
    workers.close()
    info = next(info for info in runs() if info.id == run)
    assert info.state == "paused" and "server" in info.message
    again = pool()
    assert again is not workers
    assert again.command(run, "edit", {"verb": "set", "args": {"lr": 1e-4}}) == ""  # heard during the replay
    assert again.command(run, "play", {"until": info.step + 30}) == ""
    eventually(lambda: state(run) == "paused" and last(run) == info.step + 30)
    assert folder.find(run).entries("edit") == [{"step": info.step, "verb": "set", "args": {"lr": 1e-4}}]
    remove(run)  # although the worker still holds it
    assert run not in {info.id for info in runs()}


def test_wrong_commands_are_answered_in_words(workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=400", 0, 10)
    eventually(lambda: state(run) == "done")
    for do, args, words in (
        ("fly", {}, "no command is called"),
        ("edit", {"verb": "set", "args": {"lr": 7}}, "lr = 7 is outside"),
        ("edit", {"verb": "set", "args": {"latent": 3}}, "latent cannot change"),
        ("edit", {"verb": "jump", "args": {}}, "cannot 'jump'"),
        ("play", {"until": 5}, "at step 10 already"),
        ("play", {"to": 5}, "unexpected keyword"),
        ("play", {"until": float("nan")}, "whole number"),
        ("step", {"n": 0}, "at least one"),
    ):
        assert words in workers.command(run, do, args)
    assert "there is no run" in asyncio.run(workers.ask("../x", "play", {}))
    with pytest.raises(BadInput, match="lr"):
        workers.start("vae", {"lr": 7}, "moons", 0, 10)
    assert workers.command(run, "step", {"n": 2}) == ""
    eventually(lambda: last(run) == 12)


def test_a_slow_run_does_not_take_the_time_of_a_fast_one(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    spent = {"moons": 0.0, "digits": 0.0}
    slice = Recorder.slice

    def timed(run: Recorder, seconds: float) -> None:
        start = time.perf_counter()
        slice(run, seconds)
        spent[run.card["data"]] += time.perf_counter() - start

    ours, theirs = socket.socketpair()
    at_work = Worker(theirs)
    for knobs, data in ((SMALL, "moons"), ({"batch": 1000, "hidden": 600}, "digits")):
        run = Recorder.create("vae", knobs, data, 0, 100_000)
        run.play()
        while run.run.step < 5:  # first steps warm up
            run.slice(0.01)
        at_work.seats[run.folder.id] = Seat(run)
    monkeypatch.setattr(Recorder, "slice", timed)
    thread = threading.Thread(target=at_work.serve)
    thread.start()
    time.sleep(3)
    ours.shutdown(socket.SHUT_WR)
    thread.join()
    ours.close()
    theirs.close()
    at_work.selector.close()
    share = spent["moons"] / sum(spent.values())
    assert 0.35 < share < 0.65, spent
    assert {info.state for info in runs()} == {"paused"}


def test_a_run_at_rest_is_let_go_after_as_long_as_it_worked(monkeypatch: pytest.MonkeyPatch, short: Short) -> None:
    name, before, clock = short.folder.id, streams(short.folder.path), SimpleNamespace(monotonic=lambda: 1000.0)
    ours, theirs = socket.socketpair()
    at_work = Worker(theirs)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "time", clock)
        for worked, rested, kept in ((0, 9, True), (0, 11, False), (60, 59, True), (60, 61, False), (9000, 601, False)):
            at_work.seats[name] = Seat(finish(Recorder.open(name)), worked=worked, touched=1000 - rested)
            at_work.tidy()
            assert short.folder.locked == kept, (worked, rested)
            if kept:
                with pytest.raises(BadInput, match="remove it on the app's Runs page"):
                    folder.remove(name)
                at_work.seats.pop(name).run.close()
    assert streams(short.folder.path)[1:] == before[1:] and short.folder.status()["step"] == 40
    monkeypatch.setattr(worker, "SHORTEST", 0.05)  # and a worker that nobody talks to wakes up for it
    thread = threading.Thread(target=at_work.serve)
    thread.start()
    try:
        ours.sendall(b'{"call": 2, "do": "slow", "run": "%b", "args": {}}\n' % name.encode())
        with ours.makefile("rb") as answers:
            assert next(told for told in map(json.loads, answers) if told.get("call") == 2)["error"] == ""
        eventually(lambda: not short.folder.locked)
    finally:
        ours.shutdown(socket.SHUT_WR)
        thread.join()
        for each in (ours, theirs, at_work.selector):
            each.close()
    remove(name)


def test_there_is_a_worker_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(8), raising=False)
    monkeypatch.setattr(pools, "Link", lambda pool: SimpleNamespace())
    for told, many in (("", 8), ("3", 3), ("99", 8)):
        monkeypatch.setenv("GENVIZ_WORKERS", told)
        assert pools.workers() == many
        made = Pool()
        assert len(made.links) == many
        made.links.clear()
        made.close()
    for told in ("two", "0", "-1", "1.5"):
        monkeypatch.setenv("GENVIZ_WORKERS", told)
        with pytest.raises(BadInput, match=f"GENVIZ_WORKERS = '{told}'"):
            pools.workers()


def test_a_pool_counts_what_its_workers_say_and_closes_whatever_happened(workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=400", 0, 10)
    eventually(lambda: state(run) == "done")
    workers.place.clear()
    assert workers.command(run, "edit", {"verb": "set", "args": {"lr": 99}}) != ""
    (link,) = workers.links
    eventually(lambda: link.load == 0)
    link.socket.close()
    workers.close()
    assert link.process.poll() is not None
