"""One worker process: one thread, many runs, ten milliseconds each in turn. `python -m genviz.service.worker FD`.

FD is the worker's end of a Unix socket pair. JSON lines come in, `{"call", "do", "run", "args"}`, and go out,
`{"call", "error", "busy"}` and `{"busy": n}`, the number of runs that play. The server's death is the end of the file:
runs are left paused and resume later.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from genviz.errors import BadInput
from genviz.model import discover
from genviz.service.recorder import Recorder

SLICE = 0.01
LOADED = 8  # runs at rest that stay in memory, so that a command to them needs no replay
SHORTEST, LONGEST = 10.0, 600.0  # seconds for which they do
COMMANDS = ("play", "pause", "step", "slow", "edit", "stop", "replay")


@dataclass
class Seat:
    """A run in memory."""

    run: Recorder
    credit: float = 0.0
    worked: float = 0.0  # seconds
    touched: float = field(default_factory=time.monotonic)  # when it last worked or was commanded

    @property
    def left(self) -> float:
        """Seconds for which it may rest here before others get its folder: as many as it worked, for so long takes a replay."""
        return max(0.0, self.touched + min(max(SHORTEST, self.worked), LONGEST) - time.monotonic())

    @property
    def resting(self) -> bool:
        return self.run.wait > 1e6

    def work(self) -> None:
        """Its slice; who took more, for a picture or a long step, pays it back."""
        self.credit = min(self.credit + SLICE, SLICE)
        if self.credit > 0:
            start = time.perf_counter()
            self.run.slice(self.credit)
            took = time.perf_counter() - start
            self.credit, self.worked, self.touched = self.credit - took, self.worked + took, time.monotonic()


class Worker:
    def __init__(self, link: socket.socket) -> None:
        self.link, self.alive, self.unread, self.told = link, True, b"", -1
        self.seats: dict[str, Seat] = {}  # the most recently commanded last
        self.selector = selectors.DefaultSelector()
        self.selector.register(link, selectors.EVENT_READ)

    def serve(self) -> None:
        """Deficit round robin."""
        while self.alive:
            busy = [seat for seat in self.seats.values() if seat.run.busy]
            if self.playing != self.told:
                self.send({})
            self.poll(0 if busy else min((min(seat.run.wait, seat.left) for seat in self.seats.values()), default=None))
            for seat in busy:
                seat.work()
                self.poll(0)
            self.tidy()
        for seat in self.seats.values():
            seat.run.close("the server ended: press play to go on")

    def poll(self, timeout: float | None) -> None:
        if not self.selector.select(timeout):
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

    @property
    def playing(self) -> int:
        return sum(seat.run.goal is not None for seat in self.seats.values())

    def send(self, message: dict[str, Any]) -> None:
        self.told = self.playing
        try:
            self.link.sendall(json.dumps({**message, "busy": self.told}).encode() + b"\n")
        except OSError:
            self.alive = False

    def answer(self, do: str, name: str, args: dict[str, Any]) -> str:
        """Do it; "" or what is wrong, in plain words."""
        try:
            if do not in COMMANDS:
                raise BadInput(f"no command is called {do!r}: there are {', '.join(COMMANDS)}")
            if name not in self.seats and do in ("pause", "stop"):
                return ""  # nobody here is playing it
            seat = self.seats.pop(name, None) or Seat(Recorder.open(name))
            self.seats[name], seat.touched = seat, time.monotonic()
            getattr(seat.run, do)(**args)
            seat.run.slice(0)
        except BadInput as error:
            return str(error)
        except TypeError as error:
            return f"{do}: {error}"
        except Exception as error:
            return f"{do} failed: {error or type(error).__name__}"
        return ""

    def tidy(self) -> None:
        """Let go of what has ended, of what has rested its time, and of the runs longest at rest."""
        resting = [name for name, seat in self.seats.items() if seat.resting]
        ended = [name for name, seat in self.seats.items() if seat.run.closed or (seat.resting and not seat.left)]
        for name in {*ended, *resting[: max(0, len(resting) - LOADED)]}:
            self.seats.pop(name).run.close()


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
