"""`make bench`: figures that must not get worse, each measured against its own yardstick in the same run."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from genviz.data import Data
from genviz.model import Spec
from genviz.models.variational.vae import VAE
from genviz.rng import Rng
from genviz.service.build import PINNED


@dataclass(frozen=True)
class Bench:
    """`run()` gives the figure, which should be at most `target`; `about` says of what, in which unit."""

    about: str
    target: float
    run: Callable[[], float]


BENCHES: dict[str, Bench] = {}


def bench(about: str, target: float) -> Callable[[Callable[[], float]], Callable[[], float]]:
    def register(run: Callable[[], float]) -> Callable[[], float]:
        BENCHES[run.__name__] = Bench(about, target, run)
        return run

    return register


def seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one call of `work`, the mean over `times` in a row; other processes do not count."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


@bench("one VAE step at 784-400-20, batch 128, over the eleven matrix products it cannot do without", 1.6)
def vae_step() -> float:
    """Median over five rounds, step and products in turn, so that both meet the same machine."""
    batch, d, hidden, latent, rng = 128, 784, 400, 20, Rng(0)
    x = rng.uniform(batch * 50, d)
    data = Data("noise", x, x[:batch], Spec((28, 28), "unit"))
    model = VAE(data.spec, latent=latent, hidden=hidden, batch=batch)
    fit = model.fit(data, rng)

    def multiply(n: int, m: int, k: int) -> Callable[[], Tensor]:
        a, b = rng.normal(n, m), rng.normal(m, k)
        out = torch.empty(n, k)
        return lambda: torch.mm(a, b, out=out)

    products: list[Callable[[], Tensor]] = []
    for fan_in, fan_out in ((d, hidden), (hidden, 2 * latent), (latent, hidden), (hidden, d)):
        products.append(multiply(batch, fan_in, fan_out))  # forward
        products.append(multiply(fan_out, batch, fan_in))  # gradient of the weights
        if fan_in != d:
            products.append(multiply(batch, fan_out, fan_in))  # gradient of the input, which pixels do not need

    def bare() -> None:
        for product in products:
            product()

    assert len(products) == 11
    for work in (lambda: next(fit), bare):
        seconds(work, 20)  # warm up
    return median(seconds(lambda: next(fit), 60) / seconds(bare, 60) for _ in range(5))


def main(names: list[str]) -> int:
    """Print `name  measured  target` for each; 1 if one misses its target."""
    if PINNED.items() - os.environ.items():  # measure what workers run
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | PINNED)
    torch.set_num_threads(1)
    missed = 0
    for name in names or BENCHES:
        it = BENCHES[name]
        measured = it.run()
        missed += measured > it.target
        print(f"{name:<24}{measured:8.2f}{'  ≤ ' if measured <= it.target else '  > '}{it.target:<8g}{it.about}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
