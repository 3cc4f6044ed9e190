"""Noise schedules: the rates β_1 … β_T, and their chart."""

import math
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.layers import Curves, Handles, Layer, Pane

Schedule = Literal["linear", "erase", "cosine", "learned"]
CAP = 0.999  # a rate of 1 leaves nothing to divide by
FIRST = 0.001  # the learned schedule's first rate is fixed: it would fall for ever, and the bound rise with it


def rates(kind: Schedule, T: int, first: float, last: float, offset: float, bits: bool = False) -> Float[Tensor, " T"]:
    """β_1 … β_T in float64. linear: from first/T to last/T · erase: each step takes 1/T of the signal (of bits: all of it in
    the end) · cosine: A_t falls like cos² · learned: where its training starts."""
    if kind == "erase":
        return 1 / torch.linspace(T, 1 if bits else 2, T, dtype=torch.float64)
    if kind == "cosine":
        f = ((torch.arange(T + 1, dtype=torch.float64) / T + offset) / (1 + offset) * math.pi / 2).cos().square()
        return (1 - f[1:] / f[:-1]).clamp(max=CAP)
    beta = torch.linspace(first / T, last / T, T, dtype=torch.float64).clamp(max=CAP)
    return torch.cat([torch.full((1,), FIRST, dtype=torch.float64), beta[1:]]) if kind == "learned" else beta


def chart(knobs: Any, bits: bool, now: Float[Tensor, " T"]) -> list[Pane]:
    """The schedules that the data allow beside each other (of the learned one where it starts, unless it is in force); the
    one in force (its rates are `now`) with handles to be dragged."""
    T, times = knobs.T, torch.arange(1, knobs.T + 1)
    found = {
        kind: now
        if kind == knobs.schedule
        else rates(kind, T, knobs.beta_first, min(knobs.beta_last, T), knobs.cosine_offset, bits)
        for kind in get_args(Schedule)
        if not (bits and kind == "learned")
    }

    def lines(of: Any) -> list[Layer]:
        drawn = {kind: torch.stack([times.double(), of(beta.double())], 1).float() for kind, beta in found.items()}
        return [
            Curves(name=kind, xy=drawn[kind], dash=k, role="noise", label=kind)
            if kind != knobs.schedule
            else Curves(name=kind, xy=drawn[kind], label=f"{kind}, in force")
            for k, kind in enumerate(sorted(drawn, key=lambda kind: kind == knobs.schedule))  # the one in force on top
        ]

    def kept(beta: Tensor) -> Tensor:
        return (1 - beta).cumprod(0)

    ends, offset = torch.tensor([[1.0, now[0]], [T, now[-1]]]), torch.tensor([[1.0, knobs.cosine_offset]])
    handles: dict[str, Layer] = {
        "linear": Handles(name="handles", xy=ends, knobs=("beta_first", "beta_last"), scale=(T, T), label="drag an end"),
        "cosine": Handles(name="handles", xy=offset, knobs=("cosine_offset",), scale=(1.0,), label="drag the offset"),
    }
    handle = [handles[knobs.schedule]] if knobs.schedule in handles else []
    return [
        Pane(
            name="rates",
            title="How much noise does each step add?",
            kind="curves",
            layers=lines(lambda beta: beta) + (handle if knobs.schedule == "linear" else []),
            x_label="t",
            reads="A large rate makes a step hard to undo."
            + " Drag an end of the linear schedule and train again." * (knobs.schedule == "linear"),
            how="The noise rates β_t of each schedule for this T.",
            alt="Curves: the noise rate of each step, for each schedule.",
        ),
        Pane(
            name="signal",
            title="How much of the data is left at each time?",
            kind="curves",
            layers=lines(kept) + (handle if knobs.schedule == "cosine" else []),
            x_label="t",
            y=(0.0, 1.0),
            x=(0.0, float(T)),
            reads="What is left at the end is missing where sampling starts: see the end of the budget.",
            how="A_t = Π (1 − β_s), the share of the variance that comes from the data; of bits, of the probability.",
            alt="Curves: the share of the signal left at each time, for each schedule.",
        ),
        Pane(
            name="erased",
            title="How much does each step erase?",
            kind="curves",
            layers=lines(lambda beta: torch.cat([1 - kept(beta)[:1], kept(beta)[:-1] - kept(beta)[1:]])),
            x_label="t",
            reads="The erase schedule takes the same share at every step, the others most where data and noise are alike.",
            how="A_{t−1} − A_t for each schedule.",
            alt="Curves: the share of the signal that each step erases, for each schedule.",
        ),
    ]
