"""What a recording costs over the bare loop of `fit`."""

import gc
import tempfile
import time
from collections.abc import Callable
from functools import cache
from itertools import cycle
from pathlib import Path

from bench import bench, seconds
from genviz.data import dataset
from genviz.model import find
from genviz.rng import Rng
from genviz.service.recorder import Recorder

SLICE = 0.01  # seconds, as a worker's
TURN = 5  # slices


@cache
def recorded(slug: str, preset: str) -> tuple[float, float]:
    """A whole preset bare, recorded without pictures and recorded with them, in short turns, as each leaves the others
    a cold cache. CPU seconds a step: log, metrics, figures and keyframes over the bare loop; and the
    share of the pictures in all of it."""
    kind = find(slug)
    of = kind.presets[preset]
    data = dataset(of.data or preset)
    next(kind(data.spec, of.seed, **of.knobs).fit(data, Rng(0)))  # the first optimizer of a process imports for a second
    model = kind(data.spec, of.seed, **of.knobs)
    model.prepare(data)
    fit = model.fit(data, Rng(of.seed, "fit"))

    def bare() -> int:
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < TURN * SLICE:
            next(fit)
            steps += 1
        return steps

    def slices(one: Recorder) -> Callable[[], int]:
        def turn() -> int:
            before = one.run.step
            for _ in range(TURN):
                one.slice(SLICE)
            return one.run.step - before

        return turn

    with tempfile.TemporaryDirectory() as folder:
        recorders = [
            Recorder.create(slug, dict(of.knobs), of.data or preset, of.seed, of.steps, root=Path(folder), name=name)
            for name in ("blind", "whole")
        ]
        recorders[0].tape.film = lambda: None
        for one in recorders:
            one.play()
        turns = [bare, *map(slices, recorders)]
        gc.collect()
        gc.freeze()  # as a worker does
        spent, steps = [0.0] * 3, [0] * 3
        for i in cycle((0, 1, 2, 1, 0, 2)):  # each follows each other as often
            start = time.process_time()
            steps[i] += turns[i]()
            spent[i] += time.process_time() - start
            if any(one.goal is None for one in recorders):
                break
        for one in recorders:
            one.close()
    bare_one, blind, whole = (s / n for s, n in zip(spent, steps, strict=True))
    return blind / bare_one, (whole - blind) / whole


@bench("log, metrics and keyframes of a VAE on 2-D points, over the bare loop", 1.05)
def log_points() -> float:
    return recorded("vae", "moons")[0]


@bench("pictures of a VAE on 2-D points, their share of the time", 0.2)
def film_points() -> float:
    return recorded("vae", "moons")[1]


@bench("log, metrics and keyframes of a VAE on MNIST, over the bare loop", 1.05)
def log_mnist() -> float:
    return recorded("vae", "mnist")[0]


@bench("pictures of a VAE on MNIST, their share of the time", 0.2)
def film_mnist() -> float:
    return recorded("vae", "mnist")[1]


@bench("log, metrics and keyframes of diffusion on 2-D points, over the bare loop", 1.05)
def log_chain() -> float:
    return recorded("diffusion", "8gaussians")[0]


@bench("pictures of diffusion on 2-D points, their share of the time", 0.2)
def film_chain() -> float:
    return recorded("diffusion", "8gaussians")[1]


@bench("a fork's replay, each figure compared, over the bare loop of as many steps, VAE on 2-D points", 1.1)
def replay() -> float:
    kind, steps = find("vae"), 1500
    of = kind.presets["moons"]
    data = dataset("moons")
    with tempfile.TemporaryDirectory() as folder:
        parent = Recorder.create("vae", dict(of.knobs), "moons", of.seed, steps, root=Path(folder))
        parent.play()
        while parent.goal is not None:
            parent.slice(SLICE)
        parent.stop()
        twin = Recorder.fork(parent.folder.id, steps, root=Path(folder))
        model = kind(data.spec, of.seed, **of.knobs)
        model.prepare(data)
        fit = model.fit(data, Rng(of.seed, "fit"))
        spent = [0.0, 0.0]
        while not twin.ready:  # in short turns, as each leaves the other a cold cache
            before = twin.run.step
            spent[0] += seconds(lambda: [twin.slice(SLICE) for _ in range(TURN)])
            spent[1] += seconds(fit.__next__, times=(n := twin.run.step - before)) * n
        twin.stop()
    return spent[0] / spent[1]
