"""The exact posterior of one row beside the model's guess."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Normal

from genviz.data import Data
from genviz.data.base import BITS
from genviz.layers import Ellipses, Field, Numbers, Pane
from genviz.metrics.likelihood import HasJoint, lattice
from genviz.model import BadInput, Bounds, Model
from genviz.panels.registry import panel
from genviz.rng import Rng

SIDE = 200  # of the grid for the sum
SPAN = 6.0  # of the grid over all codes
FINE = 0.18  # three of its cells: a narrower posterior wants a grid of its own
WINDOW = 80  # of the grid round the guess, for the picture


@panel("encode", "bound", "log_joint", asked=True)
def posterior(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """How good is the guess of the code?

    Dashed contours: the true posterior of the chosen row; orange ellipses: the encoder's guess. What lies between them is the
    gap of the bound.
    """
    assert isinstance(model, HasJoint)
    assert isinstance(model, Bounds)
    x = data.seen(model, point + 1)[-1:]
    q = model.encode(x)
    if q.mean.shape[1] != 2:
        raise BadInput(f"the exact posterior needs a plane of codes; these codes have {q.mean.shape[1]} dimensions")
    assert isinstance(q, Normal)
    mean, std = q.mean[0], q.stddev[0]
    narrow = bool(std.min() < FINE)  # it would fall between the points of a grid over all codes
    z, cell = window(mean, std, 8, SIDE) if narrow else (lattice(2, SIDE, SPAN), 2 * math.log(2 * SPAN / (SIDE - 1)))
    where = "8σ round the guess" if narrow else f"all within ±{SPAN:g}"
    log_px = (model.log_joint(x, z)[0].logsumexp(0) + cell).item()
    elbo = model.bound(x.expand(2000, -1), rng).mean().item()
    seen, _ = window(mean, std, 5, WINDOW)
    density = (model.log_joint(x, seen)[0] - log_px).exp().reshape(WINDOW, WINDOW)
    near = [(float(m - 5 * s), float(m + 5 * s)) for m, s in zip(mean, std, strict=True)]
    cov = torch.tensor([[float(std[0] ** 2), 0.0, float(std[1] ** 2)]])
    rows = [
        ("log p(x)", log_px, "nats", f"sum over {SIDE} × {SIDE} codes, {where}"),
        ("ELBO", elbo, "nats", "mean of 2,000 samples of z"),
        ("gap = KL(q ‖ posterior)", log_px - elbo, "nats", "the difference of the two"),
    ]
    return [
        Pane(
            name="posterior",
            title="How good is the guess of the code?",
            layers=[
                Field(
                    name="exact",
                    values=density,
                    extent=(*near[0], *near[1]),
                    style="contour",
                    role="truth",
                    label="exact posterior",
                ),
                Ellipses(name="guess", mean=mean[None], cov=cov, label="q(z|x), 1σ and 2σ"),
                Numbers(name="numbers", rows=rows),
            ],
            x=near[0],
            y=near[1],
            x_label="z1",
            y_label="z2",
            reads="Dashed: the true posterior; orange: the encoder's guess.",
            how=f"p(x, z) / p(x); p(x) is a sum over {SIDE} × {SIDE} codes, {where}{BITS[getattr(model, 'binarize', 'none')]}.",
            alt="Contours of the exact posterior of the chosen row and the ellipses of the encoder's guess.",
        )
    ]


def window(mean: Float[Tensor, " 2"], std: Float[Tensor, " 2"], spread: float, side: int) -> tuple[Float[Tensor, "m 2"], float]:
    """`side`² codes within `spread` standard deviations of a guess, the first coordinate fastest; a cell's log-area."""
    z1, z2 = (torch.linspace(float(m - spread * s), float(m + spread * s), side) for m, s in zip(mean, std, strict=True))
    return torch.cartesian_prod(z2, z1).flip(1), 2 * math.log(2 * spread / (side - 1)) + std.log().sum().item()
