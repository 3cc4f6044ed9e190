"""`genviz`: everything the window can do that needs no window. Torch is loaded only by the commands that use it."""

import errno
import hashlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import platform
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn
from urllib.parse import quote

from cyclopts import App, CycloptsError, Parameter, Token

import genviz
from genviz.errors import BadInput, nearest, writing
from genviz.paths import PACKAGE, PRETRAINED, ROOT, home

if TYPE_CHECKING:
    from genviz.claims import Result
    from genviz.model import Knob, Model, Preset
    from genviz.service.recorder import Recorder

app = App("genviz", help="Watch generative models at work.", version=genviz.__version__)
PORTS = 65_535
SUMS = PRETRAINED / "SHA256SUMS"
INTERRUPTED, UNREAD = 130, 141  # the exit codes after Ctrl-C, and after the reader of a pipe left
MOST_SAMPLES = 100_000  # at once: a network's hidden layers take a gigabyte for as many


def whole(hint: Any, tokens: Sequence[Token]) -> int:
    """A whole number as it is written: cyclopts would round 2.9."""
    if not isinstance(number := written(tokens[0].value), int):
        raise ValueError(f"{number!r} is no whole number")
    return number


def written(text: str) -> int | float | str:
    """The number that stands there, if it is one, for somebody else to judge."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


Whole = Annotated[int, Parameter(converter=whole)]
Port = Annotated[Whole, Parameter(help="where the server listens")]
Seeds = Annotated[
    list[Whole] | None,
    Parameter(consume_multiple=True, negative="", help="seeds to measure on; default: each claim's own, most often 0 1 2"),
]


def main(tokens: Sequence[str] | None = None) -> None:
    """Run a command line. A mistake in it is one line on stderr and exit code 2, never a traceback."""
    given = list(sys.argv[1:] if tokens is None else tokens)
    try:
        command = app
        if given[:1] == ["train"] and len(given) > 1 and not given[1].startswith("-"):
            command, given = training(given[1]), given[1:]  # with this model's knobs as flags
        try:
            command(given, exit_on_error=False, print_error=False)
        finally:
            sys.stdout.flush()
    except (CycloptsError, BadInput) as error:
        fail(str(error))
    except BrokenPipeError:  # `genviz runs | head`: nobody wants the rest, nor to hear of it at the interpreter's end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(UNREAD) from None


def fail(message: str) -> NoReturn:
    print(f"genviz: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(2)


def one_thread() -> None:
    """The environment in which bits repeat; to be called before torch is loaded."""
    from genviz.service.build import PINNED

    os.environ.update(PINNED)
    import torch

    torch.set_num_threads(1)


# ---------------------------------------------------------------- app


@app.command(name="app")
def open_app(*, port: Port = 8501) -> None:
    """Open the window: start the server and print its address.

    It answers to localhost, and to the names of this machine in GENVIZ_HOSTS, with commas between several.
    """
    from genviz.service.pool import workers
    from genviz.service.visitors import ours

    if trouble := unusable(port):
        fail(f"port {port} {trouble}")
    workers()  # a mistake in GENVIZ_WORKERS is told here, not in the log of a server
    print(f"genviz: http://localhost:{port} (Ctrl-C ends it)", flush=True)
    options = ["--server.port", str(port), "--server.headless", "true"]  # headless: no browser is forced, no question asked
    for host in sorted(ours()):  # streamlit's own socket answers to the same names as ours
        options += ["--server.allowedHosts", host]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options])


def unusable(port: int) -> str:
    """Why the server cannot listen there, and the remedy; "" if it can."""
    if not 1 <= port <= PORTS:
        return f"is none: give a whole number from 1 to {PORTS:,}"
    other = f"take another with: genviz app --port {port + 1 if 1024 <= port < PORTS else 8501}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"is in use: stop what runs there, or {other}"
            return f"cannot be used ({error.strerror}): {other}"
    return ""


# ---------------------------------------------------------------- train


@app.command
def train(
    model: Annotated[str, Parameter(help="its name, see the list in the app; `genviz train NAME --help` shows its knobs")],
    *,
    data: Annotated[str, Parameter(help="a data set by name, or the path of your own")] = "",
    preset: Annotated[str, Parameter(help="the settings to start from; default: those that suit the data")] = "",
    steps: Annotated[Whole | None, Parameter(help="how far to train; default: the preset's")] = None,
    seed: Annotated[Whole | None, Parameter(help="default: the preset's")] = None,
    out: Annotated[str, Parameter(help="name of the run; default: made of model and time")] = "",
    **knobs: Any,
) -> None:
    """Train a model and keep the run, so that the app can play it."""
    one_thread()
    from genviz.data import dataset
    from genviz.face import preset_for
    from genviz.model import find
    from genviz.service.recorder import Recorder

    kind = find(model)
    rows = dataset(data or default_data(kind, preset))
    _, chosen = preset_for(kind, rows, preset)
    judge(kind, {**chosen.knobs, **knobs}, knobs)
    steps, seed = (own if own is not None else of for own, of in ((steps, chosen.steps), (seed, chosen.seed)))
    go_on(Recorder.create(kind.slug, {**chosen.knobs, **knobs}, rows.name, seed, steps, name=out), steps)


def judge(kind: "type[Model]", knobs: dict[str, Any], asked: dict[str, Any]) -> None:
    """A `BadInput` for what was asked for and would count for nothing beside the other knobs."""
    of = kind.validate(knobs)
    for name in asked:
        knob = kind.knobs_declared()[name]
        if not knob.counts(of):
            need = knob.needs.replace("!=", " other than ").replace("=", " = ")
            raise BadInput(f"{name} = {knobs[name]} counts for nothing without {need}: set that too, or leave {name} away")


def default_data(kind: "type[Model]", preset: str) -> str:
    """What that preset was made for, or the first one."""
    sets = {name: of.data or name for name, of in kind.presets.items()}
    return sets.get(preset.replace("_", "-")) or next(iter(sets.values()), "moons")


def training(name: str) -> App:
    """`train` as the command of one model: every knob it declares is a flag with its range, help and default."""
    one_thread()
    from genviz.model import find

    def command(*args: Any, **options: Any) -> None:
        train(*args, **{name: value for name, value in options.items() if value is not None})

    shared = [p for p in inspect.signature(train).parameters.values() if p.kind is not p.VAR_KEYWORD]
    model = find(name)
    flags = [flag(model, knob) for knob in model.knobs_declared().values() if knob.name not in {p.name for p in shared}]
    command.__signature__ = inspect.Signature([*shared, *flags])  # pyright: ignore[reportFunctionMemberAccess]
    command.__annotations__ = {p.name: p.annotation for p in [*shared, *flags]}
    command.__doc__ = train.__doc__
    return App("genviz train", default_command=command, version_flags=[])


def flag(model: "type[Model]", knob: "Knob") -> inspect.Parameter:
    def judged(hint: Any, tokens: Sequence[Token]) -> Any:
        """By the model, which knows the range: as in Python."""
        return getattr(model.validate({knob.name: written(tokens[0].value)}), knob.name)

    kind: Any = Literal[knob.choices] if knob.choices else knob.kind
    judge = Parameter(converter=judged if knob.kind in (int, float) else None)
    how = f"{knob.help} ({knob.range}; default {knob.default}, unless the preset says otherwise)"
    hint = Annotated[kind | None, Parameter(help=how, show_choices=False), judge]
    return inspect.Parameter(knob.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of tearing a step apart; a second one ends the program."""
    asked = threading.Event()

    def ask(*_: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def play(recorder: "Recorder", until: int | None, title: str) -> bool:
    """Play a run with a progress bar on stderr; False if it was interrupted. Afterwards the folder is free again."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[now]}"))
    try:
        recorder.play(until)
        with interruptible() as asked, Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(title, total=recorder.goal, now="")
            while not (recorder.closed or asked.is_set()) and (recorder.goal is not None or not recorder.ready):
                time.sleep(min(0.1, recorder.wait))
                recorder.slice(0.1)
                progress.update(task, completed=recorder.run.step, now=figures(recorder))
            if asked.is_set():
                recorder.pause()
            return not asked.is_set()
    finally:
        recorder.slice(0)
        recorder.close()


def figures(recorder: "Recorder") -> str:
    return "  ".join(f"{name} {values[-1][1]:.4g}" for name, values in recorder.run.history.items())


def go_on(recorder: "Recorder", until: int | None) -> None:
    """Play, then say where it stands, what is saved and how to go on."""
    whole = play(recorder, until, recorder.card["model"])
    state = recorder.message or recorder.state
    print(f"{'Interrupted: ' if not whole else ''}{state} at step {recorder.here:,}  {figures(recorder)}")
    if recorder.data.note:
        print(f"Note on {recorder.data.name}: {recorder.data.note}")
    print(f"Saved in {recorder.folder.path}")
    run = recorder.folder.id
    print(f"See it with: genviz app, at {page(recorder.card['model'], run)}")
    print(f"Go on with: genviz runs resume {shlex.quote(run)}")
    if not whole:
        raise SystemExit(INTERRUPTED)
    if recorder.state not in ("done", "paused"):
        raise SystemExit(1)


def page(model: str, run: str) -> str:
    """Where the app shows a run."""
    return f"/{model}?run={quote(run)}"


# ---------------------------------------------------------------- sample


@app.command
def sample(
    name: Annotated[str, Parameter(help="a pretrained name such as vae-mnist, or a safetensors file")],
    *,
    n: Annotated[Whole, Parameter(help="how many")] = 64,
    seed: Whole = 0,
    out: Annotated[Path, Parameter(help="an NPZ file: x (n, columns) and the shape of a row")] = Path("samples.npz"),
) -> None:
    """Draw from a trained model into an NPZ file."""
    one_thread()
    import numpy as np

    from genviz.checkpoint import load
    from genviz.model import Samples
    from genviz.run import looking

    if not 1 <= n <= MOST_SAMPLES:
        raise BadInput(f"n = {n}: draw 1 to {MOST_SAMPLES:,} at once; for more, draw again with another --seed")
    model = load(name)
    if not isinstance(model, Samples):
        raise BadInput(f"{model.slug} cannot be sampled: it has no method `sample`")
    with looking(model, seed) as rng:
        x = model.sample(n, rng).numpy()
    with writing(out, "give another --out"):
        np.savez_compressed(out, x=x, shape=np.array(model.spec.shape))
    print(f"{out}: {n} samples of {model.slug}, x {x.shape}")


# ---------------------------------------------------------------- export


@app.command
def export(
    run: Annotated[str, Parameter(help="its id, see `genviz runs`")],
    *,
    script: Annotated[Path | None, Parameter(help="a .py file: trains it again with genviz alone, and compares")] = None,
    notebook: Annotated[Path | None, Parameter(help="an .ipynb file: the same, cell by cell")] = None,
    weights: Annotated[Path | None, Parameter(help="a .safetensors file: the newest weights that were kept")] = None,
    force: Annotated[bool, Parameter(help="replace files that are there already", negative="")] = False,
) -> None:
    """Write a run as a script, a notebook or weights.

    The script's exit code: 0, the weights are equal bit for bit; 1, they are not though torch, CPU capability, threads and
    data are as they were; 2, some of these differ (it says which), so that only the figures are compared, to 1 %.
    """
    from genviz.service import export as exports
    from genviz.service.folder import find

    files = {"script": script, "notebook": notebook, "weights": weights}
    wanted = {what: path for what, path in files.items() if path}
    if not wanted:
        raise BadInput("say what to write: --script FILE, --notebook FILE or --weights FILE")
    for what, path in wanted.items():
        if path.suffix != (ending := exports.ENDING[what]):
            raise BadInput(f"{path} is no name for a {what}: give one that ends in {ending}")
        if path.exists() and not force:
            raise BadInput(f"{path} is there already: give another name, or --force to replace it")
    recorded = exports.Recorded(find(run))
    for what, path in wanted.items():
        content = exports.content(recorded, what)
        with writing(path, f"give another --{what}"):
            path.write_bytes(content)
        at = f"step {exports.keyframe(recorded.folder, recorded.head):,} of the run {run}"
        print(f"{path}: the {what} of {at if what == 'weights' else exports.about(recorded)}")
    if script:
        print(f"Do it again with: python {shlex.quote(str(script))}")


# ---------------------------------------------------------------- claims


@app.command
def claims(
    *models: str,
    seeds: Seeds = None,
    json: Annotated[bool, Parameter(help="print the results as JSON", negative="")] = False,
    fast: Annotated[bool, Parameter(help="only claims that take at most 30 s a seed", negative="")] = False,
    ship: Annotated[bool, Parameter(help="for maintainers: write what genviz ships", negative="")] = False,
) -> int:
    """Measure what the papers claim; exit code 1 if a claim fails on these seeds."""
    one_thread()
    from genviz import claims as rooms

    known = rooms.modules()
    wanted = [model.replace("-", "_").lower() for model in models] or known
    if missing := next((model for model in wanted if model not in known), None):
        raise BadInput(f"there are no claims about {missing!r}{nearest(missing, known)}")
    kept = rooms.SHIPPED if ship else rooms.mine()
    try:
        rooms.read(kept)
    except BadInput as error:
        note(f"genviz: {error}. What is measured now is not kept")
        kept = None
    results: list[Result] = []
    for claim in (claim for model in wanted for claim in rooms.claims(model) if claim.fast or not fast):
        results.append(
            rooms.measure(
                claim, claim.seeds if seeds is None else seeds, lambda seed, c=claim: note(f"{c.model}.{c.name}, seed {seed} …")
            )
        )
        if not json:
            print(told(results[-1]), flush=True)
        if kept:
            rooms.write(kept, results[-1:])
    if json:
        print(dump([vars(result) for result in results]))
    return 0 if all(result.holds for result in results) else 1


def told(r: "Result") -> str:
    verdict = "holds" if r.holds else "FAILS"
    needed = f"baseline {r.baseline:.2f}, needs {r.threshold:+.2f}, is {r.mean - r.baseline:+.2f} {r.unit}"
    values = ", ".join(f"{value:.2f}" for value in r.values)
    return f"{verdict}  {r.model}.{r.claim}  mean {r.mean:.2f} ({values}); {needed}; seeds {r.seeds}, {r.seconds:.0f} s"


def dump(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- pretrain


@app.command
def pretrain(
    *models: str,
    data: Annotated[list[str] | None, Parameter(consume_multiple=True, help="only presets for these data sets")] = None,
    preset: Annotated[list[str] | None, Parameter(consume_multiple=True, help="only these presets")] = None,
) -> None:
    """For maintainers: train the presets, each from its own seed, and write what genviz ships."""
    one_thread()
    from genviz.model import discover, find

    with shipping(), tempfile.TemporaryFile(dir=PRETRAINED):
        pass  # before hours of training
    kinds = [find(model) for model in models] or list(discover().values())
    jobs = [
        (kind, name, of)
        for kind in kinds
        for name, of in kind.presets.items()
        if (not data or (of.data or name) in data) and (not preset or name in preset)
    ]
    for place, (kind, name, of) in enumerate(jobs, start=1):
        started = time.perf_counter()
        path, found = ship(kind, name, of, f"{place}/{len(jobs)} {kind.slug}-{name}")
        told = "  ".join(f"{key} {value:.4g}" for key, value in found.items())
        print(f"{path.stem}  {path.stat().st_size / 1000:.0f} kB  {time.perf_counter() - started:.0f} s  {told}", flush=True)
    lines = [
        f"{sha256(path)}  {path.name}\n" for path in sorted(PRETRAINED.iterdir()) if path.suffix in (".safetensors", ".scene")
    ]
    with shipping():
        SUMS.write_text("".join(lines))


def shipping() -> AbstractContextManager[None]:
    return writing(PRETRAINED, "make room, or run this in a checkout that you may write")


def ship(kind: "type[Model]", name: str, of: "Preset", title: str) -> tuple[Path, dict[str, float]]:
    """Train one preset and write its weights (float16, with figures) and its scene; the weights' path and the figures.

    Where there is nothing to train, what it took from the data and one picture of it.
    """
    from genviz.checkpoint import save
    from genviz.data import dataset
    from genviz.face import create
    from genviz.metrics.likelihood import importance_bound
    from genviz.model import Bounds, LogJoints
    from genviz.run import looking
    from genviz.service import scene_file, still
    from genviz.service.recorder import Recorder

    path = PRETRAINED / f"{kind.slug}-{name}.safetensors"
    if not kind.trains:
        data = dataset(of.data or name)
        model = create(kind.slug, data, of.seed, preset=name)
        with shipping():
            save(model, path, half=True, preset=name, data=data.name, sha256=data.sha256, steps=0, figures={})
            still(model, data, path.with_suffix(".scene"))
        return path, {}
    with tempfile.TemporaryDirectory() as scratch:
        recorder = Recorder.create(kind.slug, dict(of.knobs), of.data or name, of.seed, of.steps, root=Path(scratch))
        if not play(recorder, of.steps, title):
            raise SystemExit(INTERRUPTED)
        run, data = recorder.run, recorder.data
        if recorder.state != "done":
            fail(f"{title}: {recorder.message}")
        found = run.monitor()
        if isinstance(run.model, Bounds) and isinstance(run.model, LogJoints):  # samples of a code
            with looking(run.model) as rng:
                how = getattr(run.model, "binarize", "none")
                x = data.binarized("fixed" if how == "dynamic" else how, "test")[:300]
                found["importance bound, 200 samples, 300 test rows"] = importance_bound(run.model, x, rng, 200).mean
        with shipping():
            save(run.model, path, half=True, preset=name, data=data.name, sha256=data.sha256, steps=run.step, figures=found)
            scene_file(recorder.folder.path, path.with_suffix(".scene"))
    return path, found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---------------------------------------------------------------- runs

runs = app.command(App("runs", help="List, show, resume, fork or remove the runs kept in your folder."))


@runs.default
@runs.command(name="list")
def list_runs() -> None:
    """Every run, the newest first."""
    from genviz.service import runs as kept

    for run in kept(passed=lambda why: note(f"genviz: passed over: {why}")):
        print(f"{run.id}  {run.model} on {run.data}  {run.state}, step {run.step:,} of {run.until:,}  {run.bytes / 1e6:.1f} MB")


@runs.command
def show(run: str, *, json: Annotated[bool, Parameter(help="print all that is known as JSON", negative="")] = False) -> None:
    """What a run is made of: model, knobs, data, seed, edits, where it stands."""
    from genviz.service.folder import find, listed

    folder = find(run)
    card, now, edits = folder.card, listed(folder), folder.entries("edit")
    if json:
        print(dump({**card, **vars(now), "edits": edits, "keyframes": folder.keyframes()}))
        return
    facts = {
        "model": now.model,
        "data": now.data,
        "seed": now.seed,
        "knobs": "  ".join(f"{name} {value}" for name, value in card["knobs"].items()),
        "edits": "  ".join(f"{edit['verb']} {edit['args']} at step {edit['step']:,}" for edit in edits) or "none",
        "forked": "of {run} at step {step:,}".format(**now.forked) if now.forked else "no",
        "state": ": ".join(filter(None, [now.state, now.message])),
        "step": f"{now.step:,} of {now.until:,}",
        "created": time.strftime("%d %b %Y, %H:%M", time.localtime(now.created)),
        "size": f"{now.bytes / 1e6:.1f} MB",
        "folder": folder.path,
        "page": page(now.model, run),
    }
    for name, fact in facts.items():
        print(f"{name:<9}{fact}")


@runs.command
def rm(*run: str) -> None:
    """Remove runs for good."""
    from genviz.service import remove

    for each in run:
        remove(each)
        print(f"removed {each}")


@runs.command
def resume(run: str, *, steps: Annotated[Whole | None, Parameter(help="how many more; default: to its end")] = None) -> None:
    """Go on with a run, bit for bit from where it stands."""
    one_thread()
    from genviz.service.recorder import Recorder

    recorder = Recorder.open(run)
    go_on(recorder, None if steps is None else recorder.here + steps)


@runs.command
def fork(
    run: str,
    *,
    at: Annotated[Whole, Parameter(help="the step from which the two differ")],
    set: Annotated[list[str] | None, Parameter(consume_multiple=True, help="KNOB=VALUE, changed from there on")] = None,
    steps: Annotated[Whole | None, Parameter(help="how many more; default: to its end")] = None,
    out: Annotated[str, Parameter(help="name of the fork; default: made of model and time")] = "",
) -> None:
    """Go another way from any step of a run: a new run, until then the same bit for bit.

    A knob that cannot change during a run starts it anew from step 0 with the same seed, and the knobs of that step.
    """
    one_thread()
    from genviz.model import find as model_called
    from genviz.service.folder import find, reached
    from genviz.service.recorder import Recorder
    from genviz.service.streams import FRAMES, pace

    folder, changes = find(run), dict(map(assigned, set or []))
    parent, model = folder.card, model_called(folder.card["model"])
    values = model.validate(changes)
    changes = {name: getattr(values, name) for name in changes}
    fixed = [name for name in changes if not model.knobs_declared()[name].live]
    if fixed:
        reached(run, at, folder.last())
        knobs = folder.knobs(at) | changes
        note(f"{', '.join(fixed)} cannot change during a run: this is a new one from step 0, with seed {parent['seed']}")
        recorder = Recorder.create(
            parent["model"], knobs, parent["data"], parent["seed"], parent["until"], name=out, parent=run
        )
    else:
        recorder = Recorder.fork(run, at, name=out)
        note(f"first {at:,} steps again, without pictures: at most {at * pace(folder.read(FRAMES)):.0f} s as it went before")
        if changes:
            recorder.edit("set", changes)
    go_on(recorder, None if steps is None else recorder.here + steps)


def assigned(text: str) -> tuple[str, int | float | str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--set {text!r}: write KNOB=VALUE")
    return name.strip().replace("-", "_"), written(value.strip())


# ---------------------------------------------------------------- doctor


@app.command
def doctor(*, port: Port = 8501) -> int:
    """Is everything here that genviz needs? Exit code 1 if not."""
    well = True
    for name, trouble, text in examined(port):
        well = well and not trouble
        print(f"{'LOOK' if trouble else 'ok'}\t{name}\t{text}{': ' + trouble if trouble else ''}".expandtabs(12))
    return 0 if well else 1


def examined(port: int) -> Iterator[tuple[str, str, str]]:
    """(what, what to do about it or "", what was found)."""
    yield "python", "" if sys.version_info >= (3, 11) else "install 3.11 or newer", platform.python_version()
    for package in ("torch", "streamlit", "scikit-learn"):
        found = importlib.util.find_spec({"scikit-learn": "sklearn"}.get(package, package))
        yield package, "" if found else f"pip install {package}", importlib.metadata.version(package) if found else "missing"
    yield "workers", *crew()
    yield "home", *writable(home())
    stage = PACKAGE / "stage" / "assets" / "stage.js"
    yield "stage", "" if stage.exists() else "make assets", str(stage)
    yield "pretrained", *shipped()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    yield "chromium", "", chromium or "absent; only `make test` needs it"
    yield "port", unusable(port), str(port)


def crew() -> tuple[str, str]:
    from genviz.service.pool import workers

    try:
        return "", f"{workers()} on {platform.machine()}, one thread each"
    except BadInput as error:
        return str(error), "none"


def writable(folder: Path) -> tuple[str, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return "", str(folder)
    except OSError as error:
        return f"{error.strerror}; set GENVIZ_HOME to a folder you may write", str(folder)


def shipped() -> tuple[str, str]:
    sums = {line[66:]: line[:64] for line in SUMS.read_text().splitlines()} if SUMS.exists() else {}
    bad = [name for name, digest in sums.items() if not (PRETRAINED / name).exists() or sha256(PRETRAINED / name) != digest]
    if not sums or bad:
        return "install genviz again, or make them with: genviz pretrain", f"damaged: {', '.join(bad)}" if bad else "none"
    return "", f"{len(sums)} files in {PRETRAINED}"


if __name__ == "__main__":
    main()
