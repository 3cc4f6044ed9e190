"""What the server spends on a person who clicks and on a class that watches. Linux: CPU seconds are read from /proc."""

import json
import os
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench import bench
from genviz.service import folder as folders
from genviz.service.build import wish
from genviz.service.streams import JOURNAL, METRICS, ROW, STREAMS, line
from tests.browser.driver import Server


def cpu(pid: int) -> float:
    """Seconds that a process, all its threads but none of its children, has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread may end meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


@contextmanager
def warm_server() -> Iterator[Server]:
    """A server of its own that has imported what it will need, and rests."""
    with tempfile.TemporaryDirectory() as scratch:
        running = Server(Path(scratch, "home"), Path(scratch, "log"))
        try:
            urllib.request.urlopen(f"{running.url}/api/pretrained/vae-moons/look/posterior").read()  # needs torch
            while True:
                family = [running.process.pid, *children(running.process.pid)]
                before = sum(map(cpu, family))
                time.sleep(0.5)
                if len(family) > 1 and sum(map(cpu, family)) - before < 0.05:
                    break
            yield running
        finally:
            running.stop()


class Session:
    """One person's socket to streamlit, without a browser."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    def rerun(self, message: BackMsg) -> list[ForwardMsg]:
        """Have a script run once; all that came until its end."""
        self.link.send(message.SerializeToString())
        came: list[ForwardMsg] = []
        while not came or came[-1].WhichOneof("type") != "script_finished":
            answer = self.link.recv(timeout=60)
            assert isinstance(answer, bytes)
            came.append(ForwardMsg.FromString(answer))
        return came


@contextmanager
def session(server: Server) -> Iterator[Session]:
    protocol = [Subprotocol("streamlit")]
    with connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", subprotocols=protocol, max_size=None) as link:
        yield Session(link)


def of_page(page: str) -> BackMsg:
    asked = BackMsg()
    asked.rerun_script.page_name = page
    return asked


def milliseconds(server: Server, work: Callable[[], object], times: int = 100) -> float:
    """CPU of the server for one `work`."""
    before = cpu(server.process.pid)
    for _ in range(times):
        work()
    return (cpu(server.process.pid) - before) / times * 1000


@bench("CPU of the server for a moved knob of the VAE page", 15, "ms")
def rerun_knob() -> float:
    with warm_server() as server, session(server) as person:
        came = person.rerun(of_page("vae"))
        knob = next(m for m in came if m.delta.new_element.number_input.label.startswith("beta"))
        values = count(1)

        def move() -> None:
            asked = of_page("vae")
            asked.rerun_script.fragment_id = knob.delta.fragment_id
            state = asked.rerun_script.widget_states.widgets.add()
            state.id, state.double_value = knob.delta.new_element.number_input.id, 1 + next(values) / 1000
            answer = person.rerun(asked)
            assert not any(m.delta.new_element.WhichOneof("type") == "exception" for m in answer)
            assert any(m.delta.fragment_id for m in answer), "the knob's own fragment has run"

        for _ in range(5):
            move()
        return milliseconds(server, move)


@bench("CPU of the server for the whole VAE page anew, as after a choice of preset", 50, "ms")
def rerun_page() -> float:
    with warm_server() as server, session(server) as person:
        for _ in range(5):
            person.rerun(of_page("vae"))
        return milliseconds(server, lambda: person.rerun(of_page("vae")))


@bench("one core's share for 20 viewers of a run whose metrics grow five times a second", 5, "%")
def viewers() -> float:
    watch, per, columns = 10.0, 100, ["elbo", "reconstruction", "kl"]
    with warm_server() as server, ExitStack() as leave:
        folder = folders.create(wish("vae", {}, "moons", 0, 1_000_000), server.home / "runs")
        folder.lock()
        leave.callback(folder.unlock)
        folder.append(JOURNAL, line({"open": folder.card}) + line({"columns": columns, "at": 0}))
        folder.append(JOURNAL, line({"status": {"state": "running", "step": 0, "until": 1_000_000, "message": ""}}))
        steps, got = count(1), [0] * 20

        def drain(viewer: ClientConnection, who: int) -> None:
            try:
                for message in viewer:
                    got[who] += len(message)
            except ConnectionClosed:
                pass

        for who in range(20):
            viewer = leave.enter_context(connect(f"ws://127.0.0.1:{server.port}/api/live", max_size=None))
            viewer.send(json.dumps({"run": folder.id, "no": 0, "at": dict.fromkeys(STREAMS, 0)}))
            threading.Thread(target=drain, args=(viewer, who), daemon=True).start()
        time.sleep(1)
        before, start, written = cpu(server.process.pid), time.monotonic(), 0
        while time.monotonic() - start < watch:
            rows = b"".join(ROW.pack(next(steps), 0, 0, 1.0) for _ in range(per))
            folder.append(METRICS, rows)
            written += len(rows)
            time.sleep(0.2)
        share = (cpu(server.process.pid) - before) / (time.monotonic() - start)
        time.sleep(0.2)
        assert min(got) >= written, "somebody did not get all of it"
        return share * 100
