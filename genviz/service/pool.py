"""The server's side of the workers: start them, place runs on them, pass commands on, replace the dead."""

import asyncio
import atexit
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from typing import Any

from genviz.errors import BadInput
from genviz.paths import PACKAGE
from genviz.service import folder as folders
from genviz.service.build import PINNED, wish

PATIENCE = 30.0  # seconds for an answer; a worker that starts on a busy machine needs some


def workers() -> int:
    """One worker a core that this process may use, at most GENVIZ_WORKERS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("GENVIZ_WORKERS", "") or str(cores)
    if not (told.isascii() and told.isdecimal() and int(told) > 0):
        raise BadInput(f"GENVIZ_WORKERS = {told!r}: give a whole number from 1 on, or leave it out for one a core")
    return min(cores, int(told))


class Link:
    """One worker process and the socket to it. What is sent before it is up waits in the socket."""

    def __init__(self, pool: "Pool") -> None:
        self.pool, self.busy, self.calls, self.lock = pool, 0, dict[int, Future[str]](), threading.Lock()
        self.socket, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "genviz.service.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **PINNED, "PYTHONPATH": path},
            )
        self.born = time.monotonic()
        threading.Thread(target=self._listen, name=f"genviz-worker-{self.process.pid}", daemon=True).start()

    @property
    def load(self) -> int:
        """Runs that it plays, as it said last, and commands that may start more."""
        return self.busy + len(self.calls)

    def send(self, number: int, do: str, run: str, args: Mapping[str, Any]) -> Future[str]:
        answer: Future[str] = Future()
        text = json.dumps({"call": number, "do": do, "run": run, "args": dict(args)}).encode() + b"\n"
        with self.lock:
            self.calls[number] = answer
            try:
                self.socket.sendall(text)
            except OSError:
                self.calls.pop(number, None)
                answer.set_result("the worker has just ended: try again")
        return answer

    def _listen(self) -> None:
        try:
            with self.socket.makefile("rb") as lines:
                for text in lines:
                    told = json.loads(text)
                    self.busy = told["busy"]
                    if answer := self.calls.pop(told.get("call"), None):
                        answer.set_result(told["error"])
        except (OSError, ValueError):
            pass  # killed in the middle of a line
        self.process.wait()
        with self.lock:
            left, self.calls = list(self.calls.values()), {}
            self.socket.close()
        for answer in left:
            answer.set_result("the worker ended before it answered: try again")
        self.pool.lost(self)


class Pool:
    """Warm workers, one a core. `command` from any thread, `ask` from the event loop."""

    def __init__(self) -> None:
        self.size = workers()
        self.links: list[Link] = []
        self.place: dict[str, Link] = {}  # run -> who has it
        self.numbers, self.lock, self.closed = count(1), threading.Lock(), False
        with self.lock:
            self.links = [Link(self) for _ in range(self.size)]
        atexit.register(self.close)

    def start(
        self, model: str, knobs: Mapping[str, Any], data: str, seed: int, until: int, title: str = "", parent: str = ""
    ) -> str:
        """A new run, soon playing; its id. What cannot be is a `BadInput`; what happens later shows in the run's status."""
        run = folders.create(wish(model, knobs, data, seed, until, title, parent)).id
        self.send(run, "play", {})
        return run

    def fork(self, run: str, step: Any) -> str:
        """A run that stands at `step` of another one, to be edited and played; its id. Its replay begins at once."""
        fresh = folders.fork(run, step).id
        with suppress(BadInput):  # no worker just now: the next command opens it
            self.send(fresh, "replay", {})
        return fresh

    async def ask(self, run: str, do: str, args: Mapping[str, Any]) -> str:
        """Have it done; "" or what is wrong, in plain words."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self.send(run, do, args)), PATIENCE)
        except TimeoutError:
            return f"the worker has not answered for {PATIENCE:.0f} s: it may be busy with a long step"
        except BadInput as error:
            return str(error)

    def command(self, run: str, do: str, args: Mapping[str, Any] | None = None) -> str:
        """`ask` for threads without an event loop."""
        try:
            return self.send(run, do, args or {}).result(PATIENCE)
        except BadInput as error:
            return str(error)
        except TimeoutError:
            return f"the worker has not answered for {PATIENCE:.0f} s: it may be busy with a long step"

    def send(self, run: str, do: str, args: Mapping[str, Any]) -> Future[str]:
        folders.find(run)
        with self.lock:
            if self.closed:
                raise BadInput("the server is shutting down")
            if run not in self.place:
                if not self.links:
                    raise BadInput("a worker is starting again: try in a moment")
                self.place[run] = min(self.links, key=lambda link: link.load)
            return self.place[run].send(next(self.numbers), do, run, args)

    def lost(self, link: Link) -> None:
        """A worker ended: tell the viewers of its runs, and start another."""
        with self.lock:
            if self.closed:
                return
            orphans = [run for run, owner in self.place.items() if owner is link]
            self.place = {run: owner for run, owner in self.place.items() if owner is not link}
            self.links.remove(link)
        for run in orphans:
            try:
                folders.settle(run)
            except (BadInput, OSError):
                continue  # removed, or taken up by another process
        time.sleep(max(0.0, 1.0 - (time.monotonic() - link.born)))  # one that cannot start must not spin
        with self.lock:
            if not self.closed:
                self.links.append(Link(self))

    def close(self) -> None:
        """End the workers; they leave their runs paused."""
        with self.lock:
            if self.closed:
                return
            self.closed, links = True, list(self.links)
        for link in links:
            with suppress(OSError):  # it has just ended by itself
                link.socket.shutdown(socket.SHUT_WR)
        for link in links:
            try:
                link.process.wait(5)
            except subprocess.TimeoutExpired:
                link.process.kill()
                link.process.wait()


_pool: Pool | None = None
_making = threading.Lock()


def pool() -> Pool:
    """The one pool of this server process, started when first asked for."""
    global _pool
    with _making:
        if _pool is None or _pool.closed:
            _pool = Pool()
        return _pool


def close() -> None:
    """End the pool, if there is one."""
    with _making:
        if _pool is not None:
            _pool.close()


def running() -> bool:
    return _pool is not None and not _pool.closed
