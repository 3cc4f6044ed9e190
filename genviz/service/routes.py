"""What the browser asks over HTTP, docs/wire.md: weights, looks, films, scenes; and what happens when the server starts."""

import asyncio
import copy
import gc
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from genviz.cards import MOST_STEPS
from genviz.errors import BadInput, nearest
from genviz.paths import PRETRAINED
from genviz.service import export, pool
from genviz.service import folder as folders
from genviz.service.live import live
from genviz.service.scene import of_file, of_run
from genviz.service.visitors import KNOWN

FULL_PRECISION = 100_000  # bytes of float32 up to which the browser gets them as they are
HEAD_START = 3.0  # seconds that a first visitor has the machine to herself
LONGEST_FILM = 12_000_000  # bytes

Endpoint = Callable[[Request], Response]


def plainly(endpoint: Endpoint) -> Endpoint:
    """Errors as {"error": "…"} in plain words: 4xx what was asked for, 5xx what we could not do."""

    @wraps(endpoint)
    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except Exception as error:
            return refusal(error)

    return answer


def refusal(error: Exception) -> Response:
    return JSONResponse({"error": reason(error)}, 404 if isinstance(error, BadInput) else 500)


def reason(error: Exception) -> str:
    return str(error) if isinstance(error, BadInput) else f"this could not be computed: {error or type(error).__name__}"


def number(request: Request, name: str, default: int) -> int:
    if (text := request.query_params.get(name)) is None:
        return default
    if not text.isdecimal() or len(text) > 12:
        raise BadInput(f"{name} = {text[:20]!r}: give a whole number from 0 on")
    return int(text)


def shipped(name: str, suffix: str) -> Path:
    """A file directly in the folder of pretrained models."""
    path = PRETRAINED / f"{name}{suffix}"
    if path.name != f"{name}{suffix}" or path.resolve().parent != PRETRAINED.resolve() or not path.is_file():
        raise BadInput(f"nothing pretrained is called {name[:80]!r}")
    return path


def revalidated(request: Request, path: Path, content: Callable[[], bytes], **headers: str) -> Response:
    """What a file holds: a name may stand for another one tomorrow, so the browser asks whether it does."""
    found = path.stat()
    headers |= {"ETag": f'"{found.st_mtime_ns:x}-{found.st_size:x}"', "Cache-Control": "no-cache"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content(), media_type="application/octet-stream", headers=headers)


# ---------------------------------------------------------------- weights


def slim(path: Path, programs: dict[str, Any], dtype: str) -> bytes:
    """The tensors that client programs name, as safetensors bytes; without torch."""
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import save

    named = {word for program in programs.values() for operation in program for word in operation if isinstance(word, str)}
    try:
        with safe_open(path, "np") as file:
            chosen = {key: file.get_tensor(key) for key in file.keys() if key in named}  # noqa: SIM118 (safe_open is no mapping)
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path} cannot be read ({error}): play the run again to write it anew") from None
    floats = {key: tensor for key, tensor in chosen.items() if tensor.dtype.kind == "f"}
    small = sum(4 * tensor.size for tensor in floats.values()) < FULL_PRECISION
    target = {"f16": "float16", "f32": "float32"}.get(dtype) or ("float32" if small else "float16")
    return save({key: tensor.astype(target) if key in floats else tensor for key, tensor in chosen.items()})


@plainly
def run_weights(request: Request) -> Response:
    folder, step = folders.find(request.path_params["id"]), request.path_params["step"]
    path = folder.weights(step)
    if not path.exists():
        raise BadInput(f"{folder.path} has no weights of step {step}: ask for a keyframe, or play the run again to write them")

    def content() -> bytes:
        return slim(path, of_run(folder.path, folder.card["created"])["programs"], request.query_params.get("dtype", ""))

    return revalidated(request, path, content)


@plainly
def pretrained_weights(request: Request) -> Response:
    name = request.path_params["id"]
    path = shipped(name, ".safetensors")
    dtype = request.query_params.get("dtype", "")

    def content() -> bytes:
        try:
            scene = shipped(name, ".scene")
            programs = of_file(scene, scene.stat().st_mtime_ns)["programs"]
        except BadInput:  # a checkpoint without a recording: the model itself knows
            programs = getattr(loaded(path, path.stat().st_mtime_ns), "client", dict)()
        return slim(path, programs, dtype)

    return revalidated(request, path, content)


# ---------------------------------------------------------------- looks


@lru_cache(8)
def loaded(path: Path, changed: int) -> Any:
    from genviz.checkpoint import load

    return load(path)


@lru_cache(4)
def rows(name: str, sha256: str) -> Any:
    """The data of that name, if they still are the ones that a model was trained on; "" if that is not known."""
    from genviz.data import dataset

    data = dataset(name)
    if sha256 not in ("", data.sha256):
        raise BadInput(f"{name} has other rows now than at the training: put the old data back to look at them")
    return data


Weights = tuple[Path, int, str, str]  # their file, when it changed, and the data they were trained on: name and sha256


def at_playhead(request: Request) -> Weights:
    """Of a run or a shipped recording: the newest weights at the playhead."""
    from genviz.checkpoint import card

    kind, name = request.path_params["kind"], request.path_params["id"]
    if kind == "pretrained":
        path = shipped(name, ".safetensors")
        about = card(path)
        if not about.get("data"):
            raise BadInput(f"{path} does not say on which data it was trained, so there is no row to look at")
    elif kind == "run":
        folder, step = folders.find(name), number(request, "step", 0)
        if not (steps := [kept for kept in folder.keyframes() if kept <= step]):
            raise BadInput(f"{folder.path} has no weights up to step {step}: play the run again to write them")
        path, about = folder.weights(steps[-1]), folder.card
    else:
        raise BadInput(f"there is no {kind[:20]!r}: ask for a run or a pretrained model")
    return path, path.stat().st_mtime_ns, about["data"], about.get("sha256", "")


def shown(weights: Weights) -> tuple[Any, Any]:
    """The model with these weights, and the data that it was trained on."""
    path, changed, data, sha256 = weights
    return loaded(path, changed), rows(data, sha256)


@lru_cache(64)  # some take seconds, and every visitor of a page asks for the same
def looked(weights: Weights, panel: str, point: int) -> bytes:
    from genviz.layers import Scene
    from genviz.panels import look
    from genviz.stage.pack import pack_scene

    return pack_scene(Scene(panes=look(panel, *shown(weights), point)))


@plainly
def look(request: Request) -> Response:
    body = looked(at_playhead(request), request.path_params["panel"], number(request, "point", 0))
    return Response(body, media_type="application/octet-stream", headers={"Cache-Control": "no-cache"})


# ---------------------------------------------------------------- films


def clamp(text: str, spec: Any) -> Any:
    """A row of known values, NaN where free: numbers separated by commas, nothing where free."""
    import torch

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != spec.dim:
        raise BadInput(f"clamp has {len(parts)} places, a row has {spec.dim}: put commas between, nothing where free")
    try:
        values = [float(part) if part else None for part in parts]
    except ValueError as error:
        raise BadInput(f"clamp: {str(error)[:60]}: give numbers, nothing where free") from None
    if any(value is not None and math.isnan(value) for value in values):
        raise BadInput("clamp holds a value that is not finite: give numbers, nothing where free")
    return spec.known(torch.tensor([math.nan if value is None else value for value in values]))


def film(request: Request) -> Generator[bytes, None, None]:
    """The records of a film, the scene first; a `BadInput` before the first if the question makes no sense."""
    from genviz.panels import Shoot, film
    from genviz.stage.pack import FRAME, LAYOUT, pack_frame, pack_scene, record

    model, data = shown(at_playhead(request))
    point, asked = number(request, "point", -1), request.query_params
    if point >= len(data.x):
        raise BadInput(f"point = {point}: {data.name} has rows 0 … {len(data.x) - 1}")
    known = clamp(asked["clamp"], model.spec) if "clamp" in asked else None
    looks = {name: knob for name, knob in model.knobs_declared().items() if knob.looks == "chain"}
    knobs = dict(model.knobs)
    for name in asked.keys() - {"step", "seed", "clamp", "point"}:
        if name not in looks:
            raise BadInput(f"a film of {model.slug} cannot set {name[:40]!r}{nearest(name, looks)}")
        knobs[name] = looks[name].parse(asked[name])
    model = copy.copy(model)  # its own knobs, the same weights
    model.adopt(model.validate(knobs, model.spec))
    size = 0
    name = request.path_params["panel"]
    for i, (caption, scene) in enumerate(film(name, model, data, Shoot(number(request, "seed", 0), known, point))):
        frame = record(i, FRAME, pack_frame(scene, caption), time.time())
        if not i:
            frame = record(0, LAYOUT, pack_scene(scene), time.time()) + frame
        if (size := size + len(frame)) > LONGEST_FILM:
            raise BadInput(f"the film {name} has more than {LONGEST_FILM // 10**6} MB, what follows frame {i} is left out")
        yield frame


async def stream_film(request: Request) -> Response:
    """Frame by frame as they are computed; who leaves ends the computing. What breaks on the way is told as a last record."""
    from genviz.stage.pack import TROUBLE, pack, record

    desk = ThreadPoolExecutor(1, "genviz-film")  # one thread a film: that no gradients are kept is a thread's own setting
    frames = film(request)

    async def ask() -> bytes:
        return await asyncio.get_running_loop().run_in_executor(desk, next, frames, b"")

    def leave() -> None:
        desk.submit(frames.close)
        desk.shutdown(wait=False)

    async def records(frame: bytes) -> AsyncIterator[bytes]:
        try:
            while frame:
                yield frame
                frame = await ask()
        except Exception as error:
            yield record(0, TROUBLE, pack({"error": reason(error)}), time.time())
        finally:
            leave()

    try:
        first = await ask()
    except Exception as error:
        leave()
        return refusal(error)
    return StreamingResponse(records(first), media_type="application/octet-stream", headers={"Cache-Control": "no-cache"})


@plainly
def pretrained_scene(request: Request) -> Response:
    path = shipped(request.path_params["id"], ".scene")
    return revalidated(request, path, path.read_bytes, **{"Content-Encoding": "gzip"})


# ---------------------------------------------------------------- downloads


KINDS = {"script": "text/x-python", "notebook": "application/x-ipynb+json"}


def download(content: bytes, name: str, kind: str = "application/octet-stream") -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(content, media_type=kind, headers=headers)


@plainly
def run_text(request: Request) -> Response:
    folder, what = folders.find(request.path_params["id"]), request.path_params["what"]
    if what not in KINDS:
        raise BadInput(f"a run has no {what[:20]!r} to download: ask for script, notebook or weights")
    run = export.Recorded(folder)
    return download(export.content(run, what), export.filename(folder, what, run.head), KINDS[what])


@plainly
def run_file(request: Request) -> Response:
    folder = folders.find(request.path_params["id"])
    step = export.keyframe(folder, number(request, "step", MOST_STEPS))
    return download(folder.weights(step).read_bytes(), export.filename(folder, "weights", step))


@plainly
def pretrained_file(request: Request) -> Response:
    path = shipped(request.path_params["id"], ".safetensors")
    return download(path.read_bytes(), path.name)


ROUTES: list[BaseRoute] = [
    WebSocketRoute("/api/live", live, middleware=KNOWN),
    Route("/api/run/{id}/weights/{step:int}", run_weights, middleware=KNOWN),
    Route("/api/pretrained/{id}/weights/{step:int}", pretrained_weights, middleware=KNOWN),
    Route("/api/pretrained/{id}/scene", pretrained_scene, middleware=KNOWN),
    Route("/api/run/{id}/export/weights", run_file, middleware=KNOWN),
    Route("/api/run/{id}/export/{what}", run_text, middleware=KNOWN),
    Route("/api/pretrained/{id}/export/weights", pretrained_file, middleware=KNOWN),
    Route("/api/{kind}/{id}/look/{panel}", look, middleware=KNOWN),
    Route("/api/{kind}/{id}/film/{panel}", stream_film, middleware=KNOWN),
]


# ---------------------------------------------------------------- the server's life


def warm(ended: threading.Event) -> None:
    """What nobody should wait for who presses Train: workers, then torch. Frozen, so that reruns need not collect it.

    Not at once: three processes that import torch would double the time to the first picture.
    """
    if ended.wait(HEAD_START):
        return
    pool.pool()
    folders.settle_all()
    import torch

    import genviz.panels  # noqa: F401
    from genviz.model import discover

    torch.set_num_threads(1)
    discover()
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any] | None]:
    ended = threading.Event()
    threading.Thread(target=warm, args=(ended,), name="genviz-warm", daemon=True).start()
    try:
        yield None
    finally:
        ended.set()
        pool.close()
