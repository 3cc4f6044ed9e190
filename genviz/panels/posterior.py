"""The exact posterior of one row beside the model's guess."""

import torch
from torch.distributions import Normal

from genviz.data import Data
from genviz.layers import Ellipses, Field, Numbers, Pane
from genviz.metrics.likelihood import HasJoint, grid_log_prob
from genviz.model import BadInput, Bounds, Model
from genviz.panels.registry import panel
from genviz.rng import Rng

SIDE = 200  # of the grid over all codes, for the sum
WINDOW = 80  # of the grid round the guess, for the picture


@panel("encode", "bound", "log_joint", asked=True)
def posterior(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """How good is the guess of the code?

    Dashed contours: the true posterior of the chosen row; orange ellipses: the encoder's guess. What lies between them is the
    gap of the bound.
    """
    assert isinstance(model, HasJoint)
    assert isinstance(model, Bounds)
    x = data.x[point : point + 1]
    q = model.encode(x)
    if q.mean.shape[1] != 2:
        raise BadInput(f"the exact posterior needs a plane of codes; these codes have {q.mean.shape[1]} dimensions")
    assert isinstance(q, Normal)
    mean, std = q.mean[0], q.stddev[0]
    log_px = grid_log_prob(model, x, SIDE).item()
    elbo = model.bound(x.expand(2000, -1), rng).mean().item()
    near = [(float(m - 5 * s), float(m + 5 * s)) for m, s in zip(mean, std, strict=True)]
    z1, z2 = (torch.linspace(*side, WINDOW) for side in near)
    z = torch.cartesian_prod(z2, z1).flip(1)  # the first coordinate runs fastest, as x does in a picture
    density = (model.log_joint(x, z)[0] - log_px).exp().reshape(WINDOW, WINDOW)
    cov = torch.tensor([[float(std[0] ** 2), 0.0, float(std[1] ** 2)]])
    rows = [
        ("log p(x)", log_px, "nats", f"sum over a {SIDE} × {SIDE} grid of codes"),
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
            how=(f"p(x, z) / p(x) on a grid; p(x) is summed over {SIDE} × {SIDE} codes."),
            alt="Contours of the exact posterior of the chosen row and the ellipses of the encoder's guess.",
        )
    ]
