"""Films over HTTP: a toy chain, walked on a real server."""

import json
import math
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genviz import checkpoint
from genviz.data import Data, dataset
from genviz.layers import Pane, Points
from genviz.model import MODELS, Chains, Model, State, knob
from genviz.panels import Shoot, discovered
from genviz.panels.registry import Panel
from genviz.rng import Rng
from genviz.service import routes
from genviz.service.folder import RunFolder
from genviz.service.streams import header, records
from genviz.stage.pack import FRAME, LAYOUT, TROUBLE

from .conftest import Short, eventually
from .test_live import get
from .test_live import server as server

ROWS = 3
SLOW = 99  # a seed that takes its time


class Drifter(Model):
    """Every row moves by `pull` + `pace` · noise at each step; known values stay."""

    pace: float = knob(0.5, 0.0, 2.0, "size of the noise", looks="chain")
    length: int = knob(4, 1, 2000, "steps", looks="chain")
    batch: int = knob(10, 1, 100, "rows of an update", live=True)

    def build(self) -> None:
        self.pull = nn.Parameter(torch.ones(self.spec.dim))

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        x = torch.zeros(n, self.spec.dim) if start is None else start.expand(n, -1)
        for t in range(self.length + 1):
            if clamp is not None:
                x = torch.where(clamp.isnan(), x, clamp)
            yield State(x, {"t": torch.tensor(self.length - t)})
            x = x + self.pull + self.pace * torch.randn(x.shape, generator=rng.generator)


alive: list[int] = []


def walk(model: Chains, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """Where do they go?"""
    start = None if shoot.point < 0 else data.x[shoot.point]
    try:
        alive.append(1)
        for i, state in enumerate(model.chain(ROWS, rng, start, shoot.clamp)):
            assert not torch.is_grad_enabled()
            time.sleep(0.01 * (shoot.seed == SLOW))
            if i == 1500:
                raise RuntimeError("the floor is gone")
            yield f"{int(state.aux['t'])} left", [Pane(name="walk", title="", layers=[Points(name="x", xy=state.x)])]
    finally:
        alive.pop()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of a pretrained drifter on moons."""
    monkeypatch.setitem(discovered(), "walk", Panel("walk", ("chain",), walk, film=True))
    monkeypatch.setitem(MODELS, "drifter", Drifter)
    monkeypatch.setattr(routes, "PRETRAINED", tmp_path)
    data = dataset("moons:n=50")
    checkpoint.save(Drifter(data.spec), tmp_path / "drifter.safetensors", data=data.name, sha256=data.sha256)
    return "api/pretrained/drifter/film/walk"


del MODELS[Drifter.slug]  # it is no part of genviz


def filmed(url: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[Tensor], bytes]:
    """The scene, the headers of the frames, the positions in each, and all the bytes."""
    status, body, _ = get(url)
    assert status == 200, body
    found = list(records(body))
    assert [(step, kind) for _, _, step, kind in found] == [(0, LAYOUT), *((i, FRAME) for i in range(len(found) - 1))]
    moments = [header(body[start + 32 : end]) for start, end, *_ in found]
    return moments[0], moments[1:], [places(body[start + 32 : end]) for start, end, *_ in found[1:]], body


def places(payload: bytes) -> Tensor:
    about: Any = header(payload)
    packed = about["layers"]["walk/x"]["tensors"]["xy"]
    at = 4 + int.from_bytes(payload[:4], "little") + packed["at"]
    q = torch.frombuffer(bytearray(payload), dtype=torch.uint16, offset=at, count=math.prod(packed["shape"])).float()
    return (packed["lo"] + q * (packed["hi"] - packed["lo"]) / 65535).reshape(packed["shape"])


def test_a_film_is_a_recording_of_the_chain(server: str, toy: str) -> None:
    scene, frames, xy, body = filmed(f"{server}/{toy}?seed=1")
    assert [frame["caption"] for frame in frames] == [f"{left} left" for left in (4, 3, 2, 1, 0)]
    assert scene["panes"][0]["name"] == "walk" and scene["shape"] == [2]
    assert {each["name"]: (each["value"], each["kind"]) for each in scene["controls"]} == {
        "pace": (0.5, "float"),
        "length": (4, "int"),
    }
    assert (xy[0] == 0).all() and xy[1].std() > 0.1
    assert filmed(f"{server}/{toy}?seed=1")[2][4].equal(xy[4]), "the same noise"
    assert not filmed(f"{server}/{toy}?seed=2")[2][4].equal(xy[4])
    scene, frames, xy, _ = filmed(f"{server}/{toy}?pace=0&length=2&point=7")
    assert [each["value"] for each in scene["controls"]] == [0.0, 2], "the film tells the knobs it was made with"
    torch.testing.assert_close(xy[2], dataset("moons:n=50").x[7].expand(ROWS, -1) + 2, atol=1e-3, rtol=0)
    assert filmed(f"{server}/{toy}?seed=1")[3][32:100] == body[32:100], "a knob set for one film is not set for the next"


def test_known_values_stay(server: str, toy: str) -> None:
    _, _, xy, _ = filmed(f"{server}/{toy}?clamp=,0.25&seed=3")
    assert all(((row[:, 1] - 0.25).abs() < 1e-3).all() for row in xy)
    assert xy[4][:, 0].std() > 0.1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("clamp=1", "1 places, a row has 2"),
        ("clamp=a,", "could not convert string to float: 'a'"),
        ("clamp=nan,", "not finite"),
        ("clamp=1,2", "nothing free"),
        ("clamp=,", "everything free"),
        ("point=50", "rows 0 … 49"),
        ("point=x", "whole number"),
        ("batch=3", "cannot set 'batch'"),
        ("pase=1", "did you mean"),
        ("pace=9", "pace = 9.0 is outside 0 … 2"),
        ("length=1.5", "length = '1.5'"),
    ],
)
def test_what_makes_no_sense_is_named(server: str, toy: str, asked: str, said: str) -> None:
    status, body, _ = get(f"{server}/{toy}?{asked}")
    assert status == 404 and said in json.loads(body)["error"]


def test_an_unknown_film_and_an_unknown_source(server: str, toy: str) -> None:
    for wrong in (
        f"{toy}z",
        toy.replace("drifter", "nobody"),
        toy.replace("pretrained", "run"),
        toy.replace("pretrained", "x"),
    ):
        status, body, _ = get(f"{server}/{wrong}")
        assert status == 404 and json.loads(body)["error"]


def test_a_film_of_a_run_is_that_of_its_keyframe(server: str, toy: str, short: Short) -> None:
    folder: RunFolder = short.folder
    model = Drifter(short.model.spec)
    folder.rewrite({**folder.card, "model": "drifter", "knobs": model.knobs.model_dump()})
    folder.weights(5).unlink()
    for step in folder.keyframes():
        model.pull.data.fill_(step)
        checkpoint.save(model, folder.weights(step), data="moons:n=200")
    path = toy.replace("pretrained/drifter", f"run/{folder.id}")
    for step in (5, 40):
        _, _, xy, _ = filmed(f"{server}/{path}?pace=0&length=1&step={step}")
        torch.testing.assert_close(xy[1], torch.full((ROWS, 2), float(4 if step == 5 else 40)))


def test_what_breaks_on_the_way_is_told_at_the_end(server: str, toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def last(url: str) -> str:
        body = get(url)[1]
        start, end, _, kind = list(records(body))[-1]
        assert kind == TROUBLE
        return str(header(body[start + 32 : end])["error"])

    assert "the floor is gone" in last(f"{server}/{toy}?length=1700")
    monkeypatch.setattr(routes, "LONGEST_FILM", 20_000)
    assert "what follows frame" in last(f"{server}/{toy}?length=1000")


def test_who_leaves_ends_the_computing(server: str, toy: str) -> None:
    answer = urllib.request.urlopen(f"http://{server}/{toy}?length=1400&seed={SLOW}", timeout=10)
    answer.read(10)
    assert alive
    answer.close()
    eventually(lambda: not alive, 5)  # 1400 steps would take 14 seconds
