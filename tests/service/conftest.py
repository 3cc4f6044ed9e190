"""A home of its own for each test, and small runs to break."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from genviz.model import Model
from genviz.service.folder import RunFolder
from genviz.service.pool import Pool, close, pool
from genviz.service.recorder import Recorder

SMALL = {"hidden": 8, "batch": 20, "lr": 1e-2}


def finish(recorder: Recorder) -> Recorder:
    """Let it work until it rests."""
    deadline = time.monotonic() + 30
    while recorder.wait < 10 and not recorder.full:
        recorder.slice(0.01)
        assert time.monotonic() < deadline, recorder.message
    return recorder


def eventually(true: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def streams(path: Path) -> tuple[bytes, bytes, bytes]:
    journal, metrics, frames = ((path / name).read_bytes() for name in ("journal", "metrics", "frames"))
    return journal, metrics, frames


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("workplace")
    close()


@pytest.fixture
def workers(home: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """One worker process for all tests: a new one takes seconds. A test may close or kill it."""
    monkeypatch.setenv("GENVIZ_HOME", str(workplace))
    monkeypatch.setenv("GENVIZ_WORKERS", "1")
    return pool()


@dataclass(frozen=True)
class Short:
    """A finished run of 40 steps that nobody holds."""

    folder: RunFolder
    card: dict[str, Any]
    columns: list[str]
    model: Model


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    run = Recorder.create("vae", SMALL, "moons:n=200", 3, 40, root=tmp_path_factory.mktemp("made"))
    run.play()
    finish(run)
    run.stop()
    assert run.state == "done", run.message
    return run


@pytest.fixture
def short(made: Recorder, home: Path) -> Short:
    path = home / "runs" / made.folder.id
    shutil.copytree(made.folder.path, path)
    return Short(RunFolder(path), made.card, made.tape.columns, made.run.model)
