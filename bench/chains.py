"""A step of each model of chains against the arithmetic that it cannot do without, and its films."""

from bench import bench, seconds
from bench.models import multiply, over
from genviz.data import Data, dataset
from genviz.face import create
from genviz.model import Spec
from genviz.models.chains.diffusion import Diffusion
from genviz.panels import Shoot, film
from genviz.rng import Rng


@bench("one diffusion step on 28×28 pixels at 384×3, batch 128, over the thirteen matrix products it cannot do without", 1.6)
def diffusion_step() -> float:
    batch, d, hidden, clues, rng = 128, 784, 384, 16, Rng(0)
    x = rng.uniform(batch * 50, d)
    data = Data("noise", x, x[:batch], Spec((28, 28), "unit"))
    model = Diffusion(data.spec, readout="x0", schedule="cosine", T=100, hidden=hidden, batch=batch)
    fit = model.fit(data, rng)
    products = []
    for fan_in, fan_out, needed in (  # of each layer; `needed` of its inputs have a gradient
        (d + clues, hidden, 0),
        (hidden + clues, hidden, hidden),
        (hidden + clues, hidden, hidden),
        (hidden, d, hidden),
        (d, d, 0),
    ):
        products.append(multiply(rng, batch, fan_in, fan_out))  # forward
        products.append(multiply(rng, fan_out, batch, fan_in))  # gradient of the weights
        if needed:
            products.append(multiply(rng, batch, fan_out, needed))  # gradient of the input

    assert len(products) == 13
    return over(fit, products, 30)


def filmed(panel: str, name: str) -> float:
    """CPU seconds of a whole film of an untrained model, the second time."""
    data = dataset(name)
    model = create("diffusion", data)
    model.prepare(data)

    def work() -> None:
        for _ in film(panel, model, data, Shoot(0)):
            pass

    work()
    return seconds(work, 3)


@bench("a film of 600 particles both ways, 51 frames, with score and step back under the lens", 0.5, "s")
def undoing() -> float:
    return filmed("undoing", "8gaussians")


@bench("a film of 64 MNIST pictures by DDIM in 25 steps", 2, "s")
def chain_mnist() -> float:
    return filmed("chain", "mnist")
