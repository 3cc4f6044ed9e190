"""The exact posterior of one row beside the model's guess."""

import torch
from torch.distributions import Normal

from genviz.data import Data
from genviz.data.base import BITS
from genviz.layers import Ellipses, Field, Numbers, Pane
from genviz.metrics.likelihood import HasJoint, importance_bound, lattice, on_grid, window
from genviz.model import Bounds, Encodes, Model
from genviz.panels.registry import panel
from genviz.panels.space import covariance
from genviz.rng import Rng

SIDE = 200  # of the grid over all codes
SPAN = 6.0  # half its width
FINE = 0.18  # three of its cells: a narrower guess has a grid of its own, which has
CLOSE = 128  # codes a side
WIDE = 8  # standard deviations round the guess
SEEN = 80  # codes a side of the picture, five standard deviations round the guess
SAMPLES = 2000  # of the bound


def beyond_a_plane(model: Model) -> str:
    assert isinstance(model, Encodes)
    q = model.encode(torch.zeros(1, model.spec.dim))  # zeros are a row of every support
    if not isinstance(q, Normal):
        return f"Beside the exact posterior stand the ellipses of a Gaussian guess; this model guesses a {type(q).__name__}."
    if (k := q.mean.shape[1]) != 2:
        return f"The exact posterior is a sum over a plane of codes; these codes have dimension {k}: train with 2 to see it."
    return ""


@panel("encode", "bound", "log_joint", asked=True, unless=beyond_a_plane)
def posterior(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """How good is the guess of the code?

    Dashed contours: the true posterior of the chosen row; orange ellipses: the encoder's guess. What lies between them is the
    gap of the bound.
    """
    assert isinstance(model, HasJoint)
    assert isinstance(model, Bounds)
    x = data.seen_row(model, point)
    q = model.encode(x)
    assert isinstance(q, Normal)
    narrow = bool(q.stddev.min() < FINE)  # it would fall between the codes of a grid over all of them
    grid = window(q, CLOSE, WIDE) if narrow else lattice(2, SIDE, SPAN)
    where = f"{grid.side} × {grid.side} codes, " + (f"{WIDE}σ round the guess" if narrow else f"all within ±{SPAN:g}")
    exact, elbo = on_grid(model, x, grid), importance_bound(model, x.expand(SAMPLES, -1), rng, k=1)
    near = window(q, SEEN, 5)
    density = (on_grid(model, x, near).log_joint[0] - exact.log_prob).exp().reshape(SEEN, SEEN)
    (x0, y0), (x1, y1) = near.low, near.high
    noise = f"mean of {SAMPLES:,} samples of z, standard error {elbo.se:.1g}"
    gap = "integral over the same codes: log p(x) less the ELBO, but for the noise of its samples"
    rows = [
        ("log p(x)", exact.log_prob.item(), "nats", f"sum over {where}"),
        ("ELBO", elbo.mean, "nats", noise),
        ("gap = KL(q ‖ posterior)", exact.kl(q).item(), "nats", gap),
    ]
    return [
        Pane(
            name="posterior",
            title="How good is the guess of the code?",
            layers=[
                Field(
                    name="exact",
                    values=density,
                    extent=(x0, x1, y0, y1),
                    style="contour",
                    role="truth",
                    label="exact posterior",
                ),
                Ellipses(name="guess", mean=q.mean, cov=covariance(q), label="q(z|x), 1σ and 2σ"),
                Numbers(name="numbers", rows=rows),
            ],
            x=(x0, x1),
            y=(y0, y1),
            x_label="z1",
            y_label="z2",
            reads="Dashed: the true posterior; orange: the encoder's guess.",
            how=f"p(x, z) / p(x); p(x) is a sum over {where}{BITS[getattr(model, 'binarize', 'none')]}.",
            alt="Contours of the exact posterior of the chosen row and the ellipses of the encoder's guess.",
        )
    ]
