"""One worker process: one thread, many runs, ten milliseconds each in turn. `python -m genviz.service.worker FD`.

FD is the worker's end of a Unix socket pair. JSON lines come in, `{"call", "do", "run", "args"}`, and go out,
`{"call", "error"}` and `{"busy": n}`. The server's death is the end of the file: runs are left paused and resume later.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import Any

import torch
from torch import nn

from genviz.errors import BadInput
from genviz.model import discover
from genviz.service.recorder import Recorder

SLICE = 0.01
LOADED = 8  # runs at rest that stay in memory, so that a command to them needs no replay
COMMANDS = ("play", "pause", "step", "slow", "edit", "stop")


class Worker:
    def __init__(self, link: socket.socket) -> None:
        self.link, self.alive, self.unread, self.told = link, True, b"", -1
        self.runs: dict[str, Recorder] = {}  # the most recently commanded last
        self.credit: dict[str, float] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(link, selectors.EVENT_READ)

    def serve(self) -> None:
        """Deficit round robin: who took more than a slice, for a picture or a long step, pays it back."""
        while self.alive:
            busy = [(name, run) for name, run in self.runs.items() if run.busy]
            self.tell_busy(sum(run.goal is not None for run in self.runs.values()))
            self.poll(0 if busy else min((run.wait for run in self.runs.values()), default=None))
            for name, run in busy:
                self.credit[name] = min(self.credit[name] + SLICE, SLICE)
                if self.credit[name] > 0:
                    start = time.perf_counter()
                    run.slice(self.credit[name])
                    self.credit[name] -= time.perf_counter() - start
                self.poll(0)
            self.tidy()
        for run in self.runs.values():
            run.close("the server ended: press play to go on")

    def poll(self, timeout: float | None) -> None:
        if not self.selector.select(None if timeout is None or timeout > 1e6 else timeout):
            return
        try:
            data = self.link.recv(1 << 16)
        except ConnectionError:
            data = b""
        self.alive = self.alive and bool(data)
        *lines, self.unread = (self.unread + data).split(b"\n")
        for text in lines:
            call = json.loads(text)
            self.send({"call": call["call"], "error": self.answer(call["do"], call["run"], call["args"])})

    def send(self, message: dict[str, Any]) -> None:
        try:
            self.link.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.alive = False

    def tell_busy(self, n: int) -> None:
        if n != self.told:
            self.told = n
            self.send({"busy": n})

    def answer(self, do: str, name: str, args: dict[str, Any]) -> str:
        """Do it; "" or what is wrong, in plain words."""
        try:
            if do not in COMMANDS:
                raise BadInput(f"no command is called {do!r}: there are {', '.join(COMMANDS)}")
            if name not in self.runs and do in ("pause", "stop"):
                return ""  # nobody here is playing it
            run = self.runs.pop(name, None) or Recorder.open(name)
            self.runs[name] = run
            self.credit.setdefault(name, 0.0)
            getattr(run, do)(**args)
            run.slice(0)
        except BadInput as error:
            return str(error)
        except TypeError as error:
            return f"{do}: {error}"
        except Exception as error:
            return f"{do} failed: {error or type(error).__name__}"
        return ""

    def tidy(self) -> None:
        """Let go of what has ended, and of the runs longest at rest."""
        resting = [name for name, run in self.runs.items() if run.wait > 1e6]
        for name in [name for name, run in self.runs.items() if run.closed] + resting[: max(0, len(resting) - LOADED)]:
            self.runs[name].close()
            del self.runs[name], self.credit[name]


def main(fd: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all: the server decides
    os.nice(5)
    torch.set_num_threads(1)
    discover()
    import genviz.panels  # noqa: F401

    torch.optim.Adam(nn.Linear(1, 1).parameters())  # the first optimizer imports for a second
    gc.collect()
    gc.freeze()
    link = socket.socket(fileno=fd)
    signal.signal(signal.SIGTERM, lambda *_: link.shutdown(socket.SHUT_RD))  # looks like the server's end
    Worker(link).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
