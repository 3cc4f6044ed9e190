"""What the browser asks over HTTP, docs/wire.md: weights, looks and scenes; and what happens when the server starts."""

import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from genviz.cards import MOST_STEPS
from genviz.errors import BadInput
from genviz.paths import PRETRAINED
from genviz.service import export, pool
from genviz.service import folder as folders
from genviz.service.live import live
from genviz.service.scene import first_scene, unpack
from genviz.service.streams import FRAMES
from genviz.service.visitors import KNOWN

FULL_PRECISION = 100_000  # bytes of float32 up to which the browser gets them as they are
HEAD_START = 3.0  # seconds that a first visitor has the machine to herself

Endpoint = Callable[[Request], Response]


def plainly(endpoint: Endpoint) -> Endpoint:
    """Errors as {"error": "…"} in plain words: 4xx what was asked for, 5xx what we could not do."""

    @wraps(endpoint)
    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except BadInput as error:
            return JSONResponse({"error": str(error)}, 404)
        except Exception as error:
            return JSONResponse({"error": f"this could not be computed: {error or type(error).__name__}"}, 500)

    return answer


def number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
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
            chosen = {key: file.get_tensor(key) for key in file.keys() if key in named}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path} cannot be read ({error}): play the run again to write it anew") from None
    floats = {key: tensor for key, tensor in chosen.items() if tensor.dtype.kind == "f"}
    small = sum(4 * tensor.size for tensor in floats.values()) < FULL_PRECISION
    target = {"f16": "float16", "f32": "float32"}.get(dtype) or ("float32" if small else "float16")
    return save({key: tensor.astype(target) if key in floats else tensor for key, tensor in chosen.items()})


@lru_cache(256)
def programs_of_run(path: Path, created: float) -> dict[str, Any]:
    """The client programs of a run, from the start of its recording; `created` tells runs of one name apart."""
    return dict(first_scene((path / FRAMES).read_bytes()).get("programs", {}))  # pyright: ignore


@plainly
def run_weights(request: Request) -> Response:
    folder, step = folders.find(request.path_params["id"]), request.path_params["step"]
    path = folder.weights(step)
    if not path.exists():
        raise BadInput(f"{folder.path} has no weights of step {step}: ask for a keyframe, or play the run again to write them")

    def content() -> bytes:
        return slim(path, programs_of_run(folder.path, folder.card["created"]), request.query_params.get("dtype", ""))

    return revalidated(request, path, content)


@plainly
def pretrained_weights(request: Request) -> Response:
    name = request.path_params["id"]
    path = shipped(name, ".safetensors")
    dtype = request.query_params.get("dtype", "")

    def content() -> bytes:
        try:
            programs: Any = first_scene(unpack(shipped(name, ".scene").read_bytes())[2])["programs"]
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


@plainly
def look(request: Request) -> Response:
    from genviz.checkpoint import card
    from genviz.layers import Scene
    from genviz.panels import look
    from genviz.stage.pack import pack_scene

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
    model, data = loaded(path, path.stat().st_mtime_ns), rows(about["data"], about.get("sha256", ""))
    panes = look(request.path_params["panel"], model, data, number(request, "point", 0))
    return Response(
        pack_scene(Scene(panes=panes)), media_type="application/octet-stream", headers={"Cache-Control": "no-cache"}
    )


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
