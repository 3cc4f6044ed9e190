"""The WebSocket: tails of run folders to a browser tab, and its commands to the workers.

One task a server looks at the watched files thirty times a second; viewers sleep until theirs grew. A viewer who does
not read holds up only his own tail: the file is the buffer.
"""

import asyncio
import json
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from genviz.errors import BadInput
from genviz.service.folder import RunFolder, find
from genviz.service.pool import pool
from genviz.service.streams import FRAMES, MAGIC, RECORD, STREAMS, whole

TICK = 0.033
CHUNK = 1 << 20
HEAD = struct.Struct("<IIQ")  # the subscription's number, stream, offset


class Watch:
    """The open files of one folder that somebody looks at, and whom to wake."""

    def __init__(self, folder: RunFolder) -> None:
        self.files = list[int]()
        try:
            for stream in STREAMS:
                self.files.append(os.open(folder.path / stream, os.O_RDONLY))
        except OSError:
            self.close()
            raise
        self.sizes, self.gone, self.viewers = self.look(), False, set["Viewer"]()

    def close(self) -> None:
        for file in self.files:
            os.close(file)

    def look(self) -> list[int]:
        return [os.fstat(file).st_size for file in self.files]

    def changed(self) -> bool:
        before, self.sizes = self.sizes, self.look()
        self.gone = os.fstat(self.files[0]).st_nlink == 0
        return self.gone or before != self.sizes


class Tails:
    """All that is watched in this server; the task lives while there is anything."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch] = {}
        self.task: asyncio.Task[None] | None = None

    def join(self, run: str, viewer: "Viewer") -> Watch:
        if run not in self.watches or self.watches[run].gone:
            self.watches[run] = Watch(find(run))
        self.watches[run].viewers.add(viewer)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.poll())
        return self.watches[run]

    def leave(self, run: str, watch: Watch, viewer: "Viewer") -> None:
        watch.viewers.discard(viewer)
        if not watch.viewers:
            watch.close()
            if self.watches.get(run) is watch:
                del self.watches[run]

    async def poll(self) -> None:
        while self.watches:
            for watch in self.watches.values():
                if watch.changed():
                    for viewer in watch.viewers:
                        viewer.news.set()
            await asyncio.sleep(TICK)


TAILS = Tails()


def offsets(at: Any) -> list[int]:
    """Where a viewer is in each stream; what is not named, at its start."""
    found = [at.get(stream, 0) for stream in STREAMS] if isinstance(at, dict) else []
    if not found or not all(type(offset) is int and 0 <= offset < 1 << 63 for offset in found):
        raise BadInput(f"at = {str(at)[:80]}: give a whole number from 0 on for each of {', '.join(STREAMS)}")
    return found


class Tail:
    """One subscription: where a viewer is in the three streams of a run."""

    def __init__(self, no: int, run: str, at: list[int], watch: Watch) -> None:
        self.no, self.run, self.at, self.watch = no, run, at, watch

    def more(self) -> Iterator[bytes | str]:
        """Whatever lies after the offsets, as messages of whole records."""
        if self.watch.gone:
            yield json.dumps({"no": self.no, "missing": "this run was removed"})
        for number, (stream, file) in enumerate(zip(STREAMS, self.watch.files, strict=True)):
            while (size := os.fstat(file).st_size) != self.at[number]:
                data = b"" if size < self.at[number] else os.pread(file, CHUNK, self.at[number])
                if stream == FRAMES and len(data) >= RECORD.size:
                    magic, length = struct.unpack_from("<4sI", data)
                    if magic != MAGIC:
                        data = b""
                    elif RECORD.size + length > CHUNK:
                        data = os.pread(file, RECORD.size + length, self.at[number])
                if not data:  # shorter than it was, or not at a record: a power cut took what the viewer has
                    self.at[number] = 0
                    yield json.dumps({"no": self.no, "reset": stream})
                    continue
                if not (n := whole(stream, data)):
                    break
                at, self.at[number] = self.at[number], self.at[number] + n
                yield HEAD.pack(self.no, number, at) + data[:n]


class Viewer:
    """One tab."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket, self.news = socket, asyncio.Event()
        self.tails: dict[int, Tail] = {}
        self.calls = set[asyncio.Task[None]]()

    async def send(self) -> None:
        """For as long as the tab is there: wait for news, pass them on."""
        while True:
            await self.news.wait()
            self.news.clear()
            for tail in list(self.tails.values()):
                messages = tail.more()
                # asked anew before each message: while the last one was sent, the tail may have been dropped, its files closed
                while (ours := self.tails.get(tail.no) is tail) and (message := next(messages, None)):
                    await (self.socket.send_bytes(message) if isinstance(message, bytes) else self.socket.send_text(message))
                if ours and tail.watch.gone:
                    self.drop(tail.no)

    async def hear(self, text: str) -> None:
        message = json.loads(text)
        if "do" in message:
            task = asyncio.create_task(self.command(message))
            self.calls.add(task)
            task.add_done_callback(self.calls.discard)
            return
        no, run, at = message["no"], str(message["run"]), message.get("at")
        if type(no) is not int or not 0 <= no < 1 << 32:
            raise ValueError(no)
        self.drop(no)
        if at is None:
            return
        try:
            self.tails[no] = Tail(no, run, offsets(at), TAILS.join(run, self))
        except (BadInput, OSError) as error:
            await self.socket.send_text(json.dumps({"no": no, "missing": str(error)}))
        self.news.set()

    async def command(self, message: dict[str, Any]) -> None:
        run, do, args = str(message.get("run")), str(message["do"]), message.get("args") or {}
        answer = {"call": message.get("call"), "error": ""}
        try:
            if not isinstance(args, dict):
                raise BadInput("args must be an object")
            if do == "fork":
                answer["run"] = await asyncio.to_thread(pool().fork, run, args.get("step"))
            else:
                answer["error"] = await pool().ask(run, do, args)
        except BadInput as error:
            answer["error"] = str(error)
        with suppress(RuntimeError, WebSocketDisconnect):  # the tab went before the answer
            await self.socket.send_text(json.dumps(answer))

    def drop(self, no: int) -> None:
        tail = self.tails.pop(no, None)
        if tail and not any(other.watch is tail.watch for other in self.tails.values()):
            TAILS.leave(tail.run, tail.watch, self)


async def live(socket: WebSocket) -> None:
    await socket.accept()
    viewer = Viewer(socket)
    sender = asyncio.create_task(viewer.send())
    try:
        while not sender.done():
            await viewer.hear(await socket.receive_text())
    except WebSocketDisconnect:
        pass
    except (ValueError, KeyError, TypeError, AttributeError):
        with suppress(RuntimeError):
            await socket.close(1003, "not a message of docs/wire.md")
    finally:
        sender.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await sender
        for no in list(viewer.tails):
            viewer.drop(no)
