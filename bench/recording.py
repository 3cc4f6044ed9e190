"""What a recording costs over the bare loop of `fit`."""

import tempfile
import time
from functools import cache
from pathlib import Path

from bench import bench
from genviz.data import dataset
from genviz.model import find
from genviz.rng import Rng
from genviz.service.recorder import Recorder


@cache
def recorded(slug: str, preset: str) -> tuple[float, float]:
    """A whole preset, recorded and bare in turns of a tenth of a second: log, metrics, figures and keyframes over the bare
    loop; and the share of the pictures in all the time. CPU seconds."""
    kind = find(slug)
    of = kind.presets[preset]
    data = dataset(of.data or preset)
    bare = kind(data.spec, of.seed, **of.knobs).fit(data, Rng(of.seed, "fit"))
    spent = {"all": 0.0, "pictures": 0.0, "bare": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder.create(slug, dict(of.knobs), of.data or preset, of.seed, of.steps, root=Path(folder))
        film = recorder.tape.film

        def timed() -> None:
            start = time.process_time()
            film()
            spent["pictures"] += time.process_time() - start

        recorder.tape.film = timed
        recorder.play()
        while recorder.goal is not None:
            before, start = recorder.run.step, time.process_time()
            recorder.slice(0.1)
            middle = time.process_time()
            for _ in range(recorder.run.step - before):
                next(bare)
            spent["all"] += middle - start
            spent["bare"] += time.process_time() - middle
        recorder.close()
    return (spent["all"] - spent["pictures"]) / spent["bare"], spent["pictures"] / spent["all"]


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
