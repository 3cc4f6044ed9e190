"""A step of each model against the arithmetic that it cannot do without."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

import torch
from torch import Tensor

from bench import bench, seconds
from genviz.data import Data
from genviz.model import Spec
from genviz.models.variational.vae import VAE
from genviz.rng import Rng


def multiply(rng: Rng, n: int, m: int, k: int) -> Callable[[], Tensor]:
    a, b = rng.normal(n, m), rng.normal(m, k)
    out = torch.empty(n, k)
    return lambda: torch.mm(a, b, out=out)


def over(fit: Iterator[object], products: Sequence[Callable[[], Tensor]], times: int) -> float:
    """CPU time of a step over that of bare products: median over five rounds, in turn, so that both meet the same machine."""

    def bare() -> None:
        for product in products:
            product()

    for work in (lambda: next(fit), bare):
        seconds(work, 20)  # warm up
    return median(seconds(lambda: next(fit), times) / seconds(bare, times) for _ in range(5))


@bench("one VAE step at 784-400-20, batch 128, over the eleven matrix products it cannot do without", 1.6)
def vae_step() -> float:
    batch, d, hidden, latent, rng = 128, 784, 400, 20, Rng(0)
    x = rng.uniform(batch * 50, d)
    data = Data("noise", x, x[:batch], Spec((28, 28), "unit"))
    model = VAE(data.spec, latent=latent, hidden=hidden, batch=batch)
    fit = model.fit(data, rng)

    products: list[Callable[[], Tensor]] = []
    for fan_in, fan_out in ((d, hidden), (hidden, 2 * latent), (latent, hidden), (hidden, d)):
        products.append(multiply(rng, batch, fan_in, fan_out))  # forward
        products.append(multiply(rng, fan_out, batch, fan_in))  # gradient of the weights
        if fan_in != d:
            products.append(multiply(rng, batch, fan_out, fan_in))  # gradient of the input, which pixels do not need

    assert len(products) == 11
    return over(fit, products, 60)
