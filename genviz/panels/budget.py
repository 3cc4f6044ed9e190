"""What a bound on the likelihood is made of."""

import math

import torch

from genviz.data import Data
from genviz.layers import Bars, Numbers, Pane
from genviz.metrics.likelihood import null
from genviz.model import BadInput, Budgets, Model
from genviz.panels.registry import panel
from genviz.rng import Rng

ROWS = 24  # of points; of pictures fewer, as they cost more
BITS = math.log(2)


def no_bits(model: Model) -> str:
    assert isinstance(model, Budgets)
    try:
        model.budget(torch.zeros(0, model.spec.dim), Rng(0))  # of no rows: it costs nothing
    except BadInput as error:
        return f"There are no bits to count: {error}."
    return ""


@panel("budget", unless=no_bits)
def budget(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Which steps cost the most bits?"""
    assert isinstance(model, Budgets)
    x = data.test_x[: min(ROWS, max(2, 512 // data.spec.dim))]
    parts = model.budget(x, rng).mean(0) / BITS
    k, d = -parts.sum().item(), data.spec.dim
    rest = null(data.x, data.spec.support) / BITS
    per = "bits a column" if d < 64 else "bits a pixel"
    noise = f"mean over {len(x)} unseen rows, one draw of the noise for each step"
    rows = [
        ("bound K", k, "bits a row", f"minus the sum of the bars: {noise}"),
        ("bound K", k / d, per, "the same, shared evenly"),
        (
            "K − null",
            k - rest,
            "bits a row",
            "null: a model that knows only the overall mean and variance of the training rows",
        ),
        ("end", parts[-1].item(), "bits a row", "what of the data is left where sampling starts"),
    ]
    kinds = torch.tensor([0, *[1] * (len(parts) - 2), 2])
    bars = Bars(
        name="budget",
        values=parts,
        names=["x0", *map(str, range(2, len(parts))), "end"],
        labels=kinds,
        classes=("the row itself, given x1", "steps back", "the end"),
        unit="bits",
        upright=True,
    )
    return [
        Pane(
            name="budget",
            title="Which steps cost the most bits?",
            kind="bars",
            layers=[bars, Numbers(name="numbers", rows=rows)],
            reads="A bar for each step back, from the first (t = 2) to the noise: how far the model's guess is from the exact "
            "step, in bits. Together they are the bound on the likelihood, with its sign turned.",
            how=f"KL(q(x_t−1|x_t, x_0) ‖ p(x_t−1|x_t)): {noise}, the same noise at every moment of the training.",
            alt="Bars: bits that each step of the chain costs.",
        )
    ]
