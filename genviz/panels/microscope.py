"""Contrastive divergence under the microscope: the law of its short chains, exactly, sweep by sweep."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.data.binary import bits
from genviz.layers import Bars, Curves, Numbers, Pane, Points
from genviz.model import HasPartition, Model
from genviz.panels.bits import LISTED, places
from genviz.panels.registry import Shoot, panel
from genviz.rng import Rng

SWEEPS = [*range(33), *(2 * k for k in range(17, 33)), *(8 * k for k in range(9, 27))]  # of the frames
SCALES = (0.5, 1.0, 1.5)  # of the weights
Layered = tuple[Float[Tensor, "d m"], Float[Tensor, " d"], Float[Tensor, " m"]]


def layered(model: Model) -> Layered | None:
    """W (d, m), b and c of two layers of bits, so few that all states of each can be listed."""
    it: Any = model.partition() if isinstance(model, HasPartition) and model.spec.support == "binary" else None
    if it is None or getattr(it, "real", True) or not all(hasattr(it, name) for name in "Wbc"):
        return None
    return (it.W.double(), it.b.double(), it.c.double()) if max(it.W.shape) <= LISTED else None


def no_list(model: Model) -> str:
    if layered(model) is None:
        return f"Exact laws are drawn of two layers of bits, at most {LISTED} units in each."
    return ""


class Sweeps:
    """A sweep of Gibbs sampling as a matrix over all states, and the mean of v p(h|v)ᵀ under any law of v."""

    def __init__(self, W: Float[Tensor, "d m"], b: Float[Tensor, " d"], c: Float[Tensor, " m"]) -> None:
        self.v = bits(len(b)).double()
        h = bits(len(c)).double()
        self.on = (c + self.v @ W).sigmoid()  # p(h = 1 | v)
        up = (self.v @ W @ h.T + h @ c).log_softmax(1).exp()  # p(h | v), rows v
        down = (h @ W.T @ self.v.T + self.v @ b).log_softmax(1).exp()
        self.sweep = up @ down
        free = self.v @ b + torch.nn.functional.softplus(c + self.v @ W).sum(1)
        self.pi = free.softmax(0)

    def statistics(self, p: Float[Tensor, " k"]) -> Float[Tensor, "d m"]:
        return (p[:, None] * self.v).T @ self.on

    def bias(self, p: Float[Tensor, " k"]) -> float:
        """How far the gradient with chains of law `p` is from the exact one, its Frobenius norm."""
        return (self.statistics(p) - self.statistics(self.pi)).norm().item()


@panel("partition", film=True, unless=no_list, knobs=())
def microscope(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """Where are its chains after k sweeps from the data?"""
    found = layered(model)
    assert found is not None
    machine = Sweeps(*found)
    first = places(data.x).bincount(minlength=len(machine.pi)).double() / len(data.x)
    legal = (first > 0).long()
    curves = [_bias(scale, found, first) for scale in SCALES]
    p, k = first, 0
    for sweeps in SWEEPS:
        for _ in range(sweeps - k):
            p = p @ machine.sweep
        k = sweeps
        yield _said(k), [_law(machine, p, first, legal, k), _errors(curves, machine.bias(p), k)]


def _said(k: int) -> str:
    return f"p_{k}: after {k} sweep{'s' * (k > 1)} from the data." if k else "p_0: the chains stand at the data."


def _bias(scale: float, found: Layered, first: Tensor) -> Float[Tensor, "n 2"]:
    machine, p, k, rows = Sweeps(*(scale * part for part in found)), first, 0, []
    for sweeps in SWEEPS[1:]:
        for _ in range(sweeps - k):
            p = p @ machine.sweep
        k = sweeps
        rows.append([float(torch.tensor(k).log10()), max(machine.bias(p), 1e-6)])
    return torch.tensor(rows)


def _law(machine: Sweeps, p: Tensor, first: Tensor, legal: Tensor, k: int) -> Pane:
    tv = (p - machine.pi).abs().sum().item() / 2
    rows = [
        ("from p_k to the model", tv, "", "total variation ½ Σ |p_k − π|"),
        ("from the data to the model", (first - machine.pi).abs().sum().item() / 2, "", "the same of p_0"),
        ("still legal", p[legal > 0].sum().item(), "", "the share of p_k on states of the data"),
    ]
    return Pane(
        name="law",
        title="Where are its chains after k sweeps from the data?",
        kind="bars",
        layers=[
            Bars(
                name="states",
                values=machine.pi.float(),
                labels=legal,
                classes=("not in the data", "in the data"),
                role="label",
                marks=p.float(),
                marked="p_k, after k sweeps",
                upright=True,
            ),
            Numbers(name="numbers", rows=rows),
        ],
        y_label="probability",
        reads="Bars: what the model believes, π. Dashes: where the short chains are. Learning sees only where dashes are, so "
        "what is probable and was not visited is never unlearned.",
        how=f"Exact: the matrix of a sweep over all {len(p):,} states, applied k times.",
        alt=f"Exact probabilities of all states, and of chains after {k} sweeps.",
    )


def _errors(curves: list[Float[Tensor, "n 2"]], bias: float, k: int) -> Pane:
    at = torch.tensor([[float(torch.tensor(max(k, 1)).log10()), max(bias, 1e-6)]])
    lines = [
        Curves(name=f"weights × {scale:g}", xy=curve, dash=place, static=True, label=f"weights × {scale:g}")
        for place, (scale, curve) in enumerate(zip(SCALES, curves, strict=True))
    ]
    return Pane(
        name="bias",
        title="How wrong is what CD-k learns?",
        kind="curves",
        layers=[
            *lines,
            Points(name="now", xy=at, size=3, role="error"),
            Numbers(name="bias", rows=[("error", bias, "", f"k = {k}")]),
        ],
        x_label="k, sweeps",
        x_log=True,
        y_label="error of the gradient",
        reads="The longer the chains, the nearer the gradient is to that of the likelihood; the larger the weights, the longer "
        "that takes.",
        how="‖⟨v p(h|v)ᵀ⟩ under p_k less that under π‖, exact; the same for smaller and larger weights and biases.",
        alt="The error of the gradient against the number of sweeps.",
    )
