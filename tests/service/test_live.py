"""The wire: a real server, real sockets, and what a browser may and may not do."""

import asyncio
import contextlib
import gzip
import json
import os
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import numpy as np
import pytest
import uvicorn
from safetensors.numpy import load as tensors_of
from starlette.applications import Starlette
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from genviz import checkpoint
from genviz.service import export, live, remove, routes, scene_file
from genviz.service.pool import Pool
from genviz.service.scene import first_scene
from genviz.service.streams import FRAMES, METRICS, STREAMS, header, records

from .conftest import SMALL, Short, eventually, streams

HEAD = struct.Struct("<IIQ")
START = dict.fromkeys(STREAMS, 0)


@pytest.fixture
def server() -> Iterator[str]:
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(Starlette(routes=routes.ROUTES), port=port, log_level="warning", ws="websockets-sansio")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    eventually(lambda: running.started)
    yield f"127.0.0.1:{port}"
    running.should_exit = True
    thread.join()


def get(url: str, **headers: str) -> tuple[int, bytes, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{url}", headers=headers), timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


class Tab:
    """A viewer that puts the pieces together as the browser does, and minds its offsets."""

    def __init__(self, link: ClientConnection) -> None:
        self.link, self.told, self.got = link, list[dict[str, Any]](), [bytearray(), bytearray(), bytearray()]
        self.start = [0, 0, 0]

    def ask(self, **message: Any) -> None:
        self.link.send(json.dumps(message))

    def hear(self, seconds: float = 0.3) -> None:
        """Take in what comes, until it is quiet."""
        with contextlib.suppress(TimeoutError):
            while True:
                message = self.link.recv(timeout=seconds)
                if isinstance(message, str):
                    self.told.append(json.loads(message))
                    continue
                _, stream, at = HEAD.unpack_from(message)
                assert at == self.start[stream] + len(self.got[stream]), "a gap"
                assert len(message) <= (1 << 20) + HEAD.size
                self.got[stream] += message[HEAD.size :]


@contextlib.contextmanager
def tab(server: str, **headers: str) -> Iterator[Tab]:
    with connect(f"ws://{server}/api/live", additional_headers=headers, max_size=None) as link:
        yield Tab(link)


def test_viewers_at_any_offset_see_the_same_bytes(server: str, short: Short) -> None:
    whole, run = streams(short.folder.path), short.folder.id
    cuts = [whole[0].index(b"\n") + 1, 24, next(iter(records(whole[2])))[1]]
    with tab(server) as first, tab(server, Origin=f"http://{server}") as second:
        first.ask(run=run, no=1, at=START)
        second.start = cuts
        second.ask(run=run, no=7, at=dict(zip(STREAMS, cuts, strict=True)))
        first.hear()
        second.hear()
        assert tuple(map(bytes, first.got)) == whole
        assert [bytes(got) for got in second.got] == [data[cut:] for data, cut in zip(whole, cuts, strict=True)]
        with (short.folder.path / METRICS).open("ab") as file:
            file.write(b"\x29\0\0\0" + bytes(14))  # a row and a half
        first.hear()
        assert len(first.got[1]) == len(whole[1]) + 12 and first.told == []
        first.ask(run=run, no=1, at=None)
        first.ask(run="", no=2, at=START)  # answered after it
        eventually(lambda: first.hear(0.1) or first.told)
        with (short.folder.path / METRICS).open("ab") as file:
            file.write(bytes(6))
        first.hear()
        assert len(first.got[1]) == len(whole[1]) + 12
        second.hear()
        assert len(second.got[1]) == len(whole[1]) + 24 - cuts[1]


def test_a_stream_that_became_shorter_starts_again(server: str, short: Short) -> None:
    frames = streams(short.folder.path)[2]
    with tab(server) as viewer:
        viewer.ask(run=short.folder.id, no=3, at={**START, "frames": len(frames) + 1000})
        viewer.start[2] = 0
        viewer.hear()
        assert viewer.told == [{"no": 3, "reset": FRAMES}] and bytes(viewer.got[2]) == frames
        viewer.told.clear()
        viewer.ask(run=short.folder.id, no=3, at={"journal": 0, "metrics": 1 << 40, "frames": 5})
        viewer.got = [bytearray(), bytearray(), bytearray()]
        viewer.hear()
        assert viewer.told == [{"no": 3, "reset": METRICS}, {"no": 3, "reset": FRAMES}] and bytes(viewer.got[2]) == frames


def test_a_folder_that_lacks_a_stream_costs_no_open_files(short: Short) -> None:
    (short.folder.path / FRAMES).unlink()
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(FileNotFoundError):
        live.Watch(short.folder)
    assert len(os.listdir("/dev/fd")) == before


def test_commands_reach_the_worker_and_come_back_as_records(server: str, workers: Pool) -> None:
    run = workers.start("vae", SMALL, "moons:n=200", 0, 10)
    with tab(server) as viewer:
        viewer.ask(run=run, no=1, at=START)
        eventually(lambda: viewer.hear(0.1) or b'"done"' in viewer.got[0])
        viewer.ask(do="edit", run=run, call=17, args={"verb": "set", "args": {"lr": 0.02}})
        viewer.ask(do="edit", run=run, call=18, args={"verb": "set", "args": {"lr": 99}})
        viewer.ask(do="step", run=run, call=19, args={"n": 3})
        viewer.ask(do="play", run="../x", call=20)
        eventually(lambda: viewer.hear(0.1) or len(viewer.told) == 4)
        answers = {told["call"]: told["error"] for told in viewer.told}
        assert answers[17] == answers[19] == "" and "lr = 99" in answers[18] and "there is no run" in answers[20]
        eventually(lambda: viewer.hear(0.1) or viewer.got[0].count(b'"done"') == 2)
        assert b'{"edit":{"step":10,"verb":"set","args":{"lr":0.02}}}' in viewer.got[0]
        assert tuple(map(bytes, viewer.got)) == streams(routes.folders.find(run).path)
        viewer.told.clear()
        remove(run)
        eventually(lambda: viewer.hear(0.1) or {"no": 1, "missing": "this run was removed"} in viewer.told)


def test_strangers_are_kept_out(server: str, short: Short, monkeypatch: pytest.MonkeyPatch) -> None:
    for origin in ("http://evil.example", f"http://{server}.evil.example", "null"):
        with pytest.raises((InvalidStatus, ConnectionClosed)), tab(server, Origin=origin) as viewer:
            viewer.ask(run=short.folder.id, no=1, at=START)
            viewer.link.recv(timeout=5)
    for host, origin, status in (
        ("evil.example", None, 403),  # a name that was made to point here
        ("evil.example", "http://evil.example", 403),
        ("[", None, 403),
        ("localhost:8501", "http://localhost:8502", 403),
        ("LOCALHOST:8501", None, 404),
        ("[::1]:8501", "http://[::1]:8501", 404),
        ("lab.example:80", "https://lab.example:80", 404),
    ):
        monkeypatch.setenv("GENVIZ_HOSTS", "desk, lab.example")
        headers = {"Host": host, **({"Origin": origin} if origin else {})}
        assert get(f"{server}/api/pretrained/x/scene", **headers)[0] == status, host
    with pytest.raises((InvalidStatus, ConnectionClosed)), tab(server, Host="evil.example") as viewer:
        viewer.link.recv(timeout=5)
    with tab(server) as viewer:
        nonsense = (7, "0", [], {"journal": -1}, {"metrics": 1.5}, {"frames": 1 << 63}, {"frames": True}, {"journal": "0"})
        open_files = len(os.listdir("/dev/fd"))
        for at in nonsense:
            viewer.ask(run=short.folder.id, no=1, at=at)
        viewer.hear()
        assert len(viewer.told) == len(nonsense) and all("whole number" in told["missing"] for told in viewer.told)
        assert len(os.listdir("/dev/fd")) == open_files and not live.TAILS.watches
        viewer.ask(run=short.folder.id, no=2, at=START)
        viewer.hear()
        assert viewer.got[0]
    with tab(server) as viewer:
        for run in ("..", "../runs", "/etc", "", "a\0b", short.folder.id + "/."):
            viewer.ask(run=run, no=1, at=START)
        viewer.hear()
        assert len(viewer.told) == 6 and all("there is no run" in told["missing"] for told in viewer.told)
        viewer.link.send("nonsense")
        with pytest.raises(ConnectionClosed):
            viewer.link.recv(timeout=5)
    for path in ("run/..%2F..%2Fsecret/weights/0", "pretrained/..%2Fapp/scene", "run/../weights/0", "pretrained/x/scene"):
        status, body, _ = get(f"{server}/api/{path}")
        assert status == 404, (path, body)


def test_weights_and_looks_of_a_run(server: str, short: Short) -> None:
    at, model = f"{server}/api/run/{short.folder.id}", short.model
    status, body, headers = get(f"{at}/weights/40")
    assert status == 200 and headers["Cache-Control"] == "no-cache"
    assert get(f"{at}/weights/40", **{"If-None-Match": headers["ETag"]})[0] == 304
    state, got = model.state_dict(), tensors_of(body)
    assert got and all(name.startswith(("decoder.", "units.")) for name in got)
    assert all(np.array_equal(tensor, state[name].numpy()) for name, tensor in got.items())
    half = tensors_of(get(f"{at}/weights/40?dtype=f16")[1])
    assert {tensor.dtype for tensor in half.values()} == {np.dtype("float16")} and half.keys() == got.keys()
    status, body, _ = get(f"{at}/weights/4000")
    assert status == 404 and str(short.folder.path) in json.loads(body)["error"]
    asked = [pane["ask"] for pane in first_scene(streams(short.folder.path)[2])["panes"] if pane.get("ask")]
    assert asked
    status, body, _ = get(f"{at}/look/{asked[0]}?step=39&point=3")
    assert status == 200 and header(body)["panes"]
    for wrong in (f"look/{asked[0]}?step=39&point=999999", "look/nothing?step=1", f"look/{asked[0]}?step=-1"):
        status, body, _ = get(f"{at}/{wrong}")
        assert 400 <= status < 500 and json.loads(body)["error"]
    card = short.folder.card
    short.folder.rewrite({**card, "sha256": "0" * 64})
    status, body, _ = get(f"{at}/look/{asked[0]}?step=39")
    assert status == 404 and "other rows" in json.loads(body)["error"]
    short.folder.rewrite(card)
    os.utime(short.folder.weights(40), (0, 0))  # another run of the same name
    assert get(f"{at}/weights/40", **{"If-None-Match": headers["ETag"]})[0] == 200
    for path in short.folder.path.glob("weights-*"):
        path.unlink()
    status, body, _ = get(f"{at}/look/{asked[0]}?step=39")
    assert status == 404 and "play the run again" in json.loads(body)["error"]


def test_pretrained_scenes_and_weights(server: str, short: Short, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "PRETRAINED", tmp_path)
    scene_file(short.folder.path, tmp_path / "vae-moons.scene")
    checkpoint.save(short.model, tmp_path / "vae-moons.safetensors", half=True, data="moons:n=200")
    status, body, headers = get(f"{server}/api/pretrained/vae-moons/scene")
    assert status == 200 and headers["Content-Encoding"] == "gzip" and gzip.decompress(body)[:4] == b"GVSC"
    status, body, _ = get(f"{server}/api/pretrained/vae-moons/scene", **{"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    status, body, _ = get(f"{server}/api/pretrained/vae-moons/weights/0")
    got = tensors_of(body)
    assert status == 200 and {tensor.dtype for tensor in got.values()} == {np.dtype("float32")}
    (tmp_path / "vae-moons.scene").unlink()  # the model itself knows its programs
    assert tensors_of(get(f"{server}/api/pretrained/vae-moons/weights/0?dtype=f32")[1]).keys() == got.keys()
    status, body, _ = get(f"{server}/api/pretrained/vae-moons/look/posterior?point=0")
    assert status == 200 and [pane["name"] for pane in header(body)["panes"]] == ["posterior"]
    status, body, _ = get(f"{server}/api/pretrained/vae-moons/look/posterior?point=200")
    assert status == 404 and "rows 0 … 199" in json.loads(body)["error"]
    checkpoint.save(short.model, tmp_path / "vae-moons.safetensors")
    status, body, _ = get(f"{server}/api/pretrained/vae-moons/look/posterior?point=0")
    assert status == 404 and "does not say on which data" in json.loads(body)["error"]


def test_downloads(server: str, short: Short, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, folder = f"{server}/api/run/{short.folder.id}/export", short.folder
    for what, ending in (("script", "py"), ("notebook", "ipynb")):
        status, body, headers = get(f"{base}/{what}")
        assert status == 200 and body == export.content(export.Recorded(folder), what)
        assert headers["Content-Disposition"] == f'attachment; filename="vae-moons-40.{ending}"'
    status, body, headers = get(f"{base}/weights")
    assert (status, body) == (200, folder.weights(40).read_bytes()) and "vae-moons-40.safetensors" in str(headers)
    for step in (33, 34, 35):
        folder.weights(step).unlink()
    status, body, headers = get(f"{base}/weights?step=35")
    assert (status, body) == (200, folder.weights(32).read_bytes()) and "vae-moons-32.safetensors" in str(headers)
    assert get(f"{base}/weights", Host="evil.example")[0] == get(f"{base}/script", Host="evil.example")[0] == 403
    for path, says in ((f"{base}/soul", "script, notebook or weights"), (f"{server}/api/run/x/export/script", "no run 'x'")):
        status, body, _ = get(path)
        assert status == 404 and says in json.loads(body)["error"]
    monkeypatch.setattr(routes, "PRETRAINED", tmp_path)
    checkpoint.save(short.model, tmp_path / "vae-moons.safetensors")
    status, body, headers = get(f"{server}/api/pretrained/vae-moons/export/weights")
    assert (status, body) == (200, (tmp_path / "vae-moons.safetensors").read_bytes())
    assert headers["Content-Disposition"] == 'attachment; filename="vae-moons.safetensors"'
    assert get(f"{server}/api/pretrained/..%2Fx/export/weights")[0] == 404


def test_a_viewer_who_never_reads_does_not_hold_up_others(server: str, short: Short) -> None:
    blob = bytes(12) * 400_000  # 4.8 MB of rows at step 0: more than sockets buffer
    with tab(server) as deaf, tab(server) as viewer:
        deaf.link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.ask(run=short.folder.id, no=1, at=START)
        (short.folder.path / METRICS).write_bytes(blob)
        start = time.monotonic()
        viewer.ask(run=short.folder.id, no=1, at=START)
        viewer.hear()
        assert bytes(viewer.got[1]) == blob and time.monotonic() - start < 20


def test_a_viewer_may_leave_while_it_is_sent_to(short: Short) -> None:
    whole, got = streams(short.folder.path), [b"", b"", b""]

    class Socket(WebSocket):
        async def send_bytes(self, data: bytes) -> None:
            no, stream, _ = HEAD.unpack_from(data)
            if no == 1:  # unsubscribed, and its files closed, before the first message is out
                await viewer.hear(json.dumps({"run": short.folder.id, "no": 1, "at": None}))
            else:
                got[stream] += data[HEAD.size :]

    async def visit() -> None:
        sender = asyncio.create_task(viewer.send())
        for no in (1, 2):
            await viewer.hear(json.dumps({"run": short.folder.id, "no": no, "at": START}))
            await asyncio.sleep(0.1)
        assert not sender.done()
        viewer.drop(2)
        sender.cancel()
        await asyncio.sleep(2 * live.TICK)

    viewer = live.Viewer(Socket({"type": "websocket"}, AsyncMock(), AsyncMock()))
    asyncio.run(visit())
    assert tuple(got) == whole
