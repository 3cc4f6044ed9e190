"""Memories kept as they are, and read by a softmax: the modern Hopfield network, which is attention."""

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from genviz.errors import BadInput
from genviz.models.energy.memories import Memory, Pattern, Program

Form = Literal["distance", "dot"]
EMPTY = -1e30  # added to the similarity of a place that holds no pattern yet
RESTS = 1e-5  # a change below which a state is at rest


class Softmax(Memory):
    """States q of real numbers, drawn to patterns x_i by w = softmax_i β(q·x_i + a_i): a_i = -‖x_i‖²/2 compares distances,
    as ‖q‖² falls out of the softmax; a_i = 0 compares dot products, and is attention with keys = values = x_i."""

    norms: Tensor  # (k,): a_i = -‖x_i‖²/2, EMPTY where nothing is stored yet
    plain: Tensor  # (k,): a_i = 0, or EMPTY
    log_count: Tensor  # (1,)
    longest: Tensor  # (1,): ½ max_i ‖x_i‖²

    def __init__(self, d: int, k: int) -> None:
        super().__init__(d, k)
        for name, size in (("norms", k), ("plain", k), ("log_count", 1), ("longest", 1)):
            self.register_buffer(name, torch.zeros(size))

    def keep(self, x: Pattern) -> None:
        if not self.count:  # until now all places were alike
            self.plain[:] = self.norms[:] = EMPTY
        half = x.square().sum() / 2
        self.plain[self.count], self.norms[self.count] = 0.0, -half
        super().keep(x)
        self.log_count[0], self.longest[0] = self.count.log(), torch.maximum(half, self.longest[0])

    def relearn(self, data: Tensor, dreams: Tensor) -> None:
        raise BadInput("learn_once: the modern net has no weights to change; take another rule")

    def logits(self, q: Float[Tensor, "n d"], beta: float, form: Form) -> Float[Tensor, "n k"]:
        return beta * torch.addmm(self.norms if form == "distance" else self.plain, q, self.xi.T)

    def attend(self, q: Float[Tensor, "n d"], beta: float, form: Form) -> Float[Tensor, "n k"]:
        return self.logits(q, beta, form).softmax(1)

    def energy(self, q: Float[Tensor, "n d"], beta: float, form: Form) -> Float[Tensor, " n"]:
        """½‖q‖² - (1/β) log Σ_i exp β(q·x_i + a_i), of dot products + (log k)/β + ½ max ‖x_i‖², and so never negative; its
        slope is q less the next q."""
        F = q.square().sum(1) / 2 - self.logits(q, beta, form).logsumexp(1) / beta
        return F if form == "distance" else F + self.log_count / beta + self.longest

    def recall(
        self, q: Float[Tensor, "n d"], free: Bool[Tensor, " d"], beta: float, form: Form
    ) -> Iterator[Float[Tensor, "n d"]]:
        """`q`, then each next state q ← Σ_i w_i x_i, until it rests."""
        yield q
        moved = True
        while moved:
            new = torch.where(free, self.attend(q, beta, form) @ self.xi, q)
            moved = bool(((new - q).abs() > RESTS).any())
            yield (q := new)

    def programs(self, prefix: str, units: str, beta: float, form: Form) -> dict[str, Program]:
        """Client programs of rows in raw units; `units` is where a `Units` is."""
        xi, a = f"{prefix}.xi", f"{prefix}.{'norms' if form == 'distance' else 'plain'}"
        inside: Program = [["affine", f"{units}.rise", f"{units}.slope"]]
        logits: Program = [["linear", xi, a], ["affine", 0, beta]]
        back: Program = [["linear", xi, "", "T"], ["affine", f"{units}.shift", f"{units}.scale"], ["put", "p"]]
        square: Program = [["get", "q"], ["mul", "q"], ["sum"], ["affine", 0, 0.5]]
        dot: Program = [["affine", f"{prefix}.log_count", 1], ["affine", f"{prefix}.longest", 1 / beta]]
        free: Program = [["logsumexp"], ["affine", 0, -1], *(dot if form == "dot" else [["affine", 0, 1 / beta]])]
        return {
            "gibbs": [*inside, *logits, ["softmax"], *back],
            "energy": [*inside, ["put", "q"], *logits, *free, ["put", "free"], *square, ["add", "free"]],
            "overlap": [*inside, *logits, ["softmax"]],
        }
