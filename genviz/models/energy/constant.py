"""The constant Z of two linked layers: by listing the smaller one, and by annealing; with what else a list gives."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from genviz.errors import BadInput
from genviz.metrics.partition import draw_listed, halves, softplus_sums
from genviz.rng import Rng

LOG_2PI = math.log(2 * math.pi)
COMPONENTS = 12  # units whose states may be drawn from a list, and looked at one by one


class Summable:
    """What `metrics.partition` asks for (`Listed`, `Anneals`), of a layer v (n, d) with weights W, biases b and c, see
    `Harmonium`: its hidden layer, or its visible one if that is smaller, can be listed; annealing starts from bits of bias
    `anchor`, or from the real layer alone."""

    W: Tensor
    b: Tensor
    c: Tensor
    real: bool
    log_s2: Tensor
    anchor: Tensor

    def up(self, v: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        raise NotImplementedError

    def down(self, h: Float[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        raise NotImplementedError

    def mean(self, down: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        raise NotImplementedError

    def draw(self, mean: Float[Tensor, "n d"], rng: Rng) -> Float[Tensor, "n d"]:
        raise NotImplementedError

    def field(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        raise NotImplementedError

    @property
    def lists_hidden(self) -> bool:
        return self.real or self.W.shape[1] <= self.W.shape[0]

    @property
    def listed(self) -> int:
        return self.W.shape[int(self.lists_hidden)]

    @property
    def few(self) -> bool:
        """Whether the listed units are so few that drawing from their list is faster than a chain."""
        return self.listed <= COMPONENTS

    def log_terms(self, high: Float[Tensor, "k m"], low: Float[Tensor, "l m"]) -> Float[Tensor, "k l"]:
        """log Σ exp(-E) over the other layer, for every state high + low of the listed one."""
        W, c, b = (self.W, self.c, self.b) if self.lists_hidden else (self.W.T, self.b, self.c)
        W, c, b = W.double(), c.double(), b.double()
        alone, a, g = (high @ c)[:, None] + low @ c, b + high @ W.T, low @ W.T
        if not self.real:
            return alone + softplus_sums(a, g)
        s2, square = self.log_s2.double().exp(), a.square().sum(1)[:, None] + 2 * a @ g.T + g.square().sum(1)
        return alone + (square - b @ b) / (2 * s2) + len(b) / 2 * (LOG_2PI + s2.log())

    def draw_exactly(self, n: int, rng: Rng) -> Float[Tensor, "n m"]:
        """`n` independent h ~ p(h), by listing the smaller layer."""
        states = draw_listed(self, n, rng).to(self.W.dtype)
        return states if self.lists_hidden else rng.coins(self.up(states).sigmoid())

    def hidden_states(self) -> tuple[Float[Tensor, " k"], Float[Tensor, "k m"]]:
        """p(h) of every state of the hidden layer, and the states."""
        if not self.lists_hidden or len(self.c) > COMPONENTS:
            most = COMPONENTS if self.real else min(COMPONENTS, len(self.b))
            raise BadInput(f"a mixture of 2^{len(self.c)} components is too much to see: take at most {most} hidden units")
        high, low = halves(len(self.c))
        states = (high[:, None] + low).flatten(0, 1).to(self.W.dtype)
        return self.log_terms(high, low).flatten().softmax(0).to(self.W.dtype), states

    def base(self, n: int, rng: Rng) -> tuple[Tensor, float]:
        """Independent units of bias `anchor` (real: b), and hidden ones that are coins."""
        bias = self.b if self.real else self.anchor
        log_z = len(bias) / 2 * (LOG_2PI + self.log_s2) if self.real else softplus(bias.double()).sum()
        return self.draw(self.mean(bias.expand(n, -1)), rng), float(log_z) + len(self.c) * math.log(2)

    def log_f(self, v: Float[Tensor, "n d"], betas: Float[Tensor, " k"]) -> Float[Tensor, "k n"]:
        """(1-β)(anchor·v) - β field(v) + Σ softplus(β up(v))."""
        hidden = softplus(betas[:, None, None] * self.up(v).double()).sum(2)
        far = v @ self.anchor if not self.real else -self.field(v)
        return torch.outer(1 - betas, far.double()) - torch.outer(betas, self.field(v).double()) + hidden

    def anneal(self, v: Float[Tensor, "n d"], beta: float, rng: Rng) -> Float[Tensor, "n d"]:
        h = rng.coins((beta * self.up(v)).sigmoid())
        bias = self.b if self.real else self.anchor
        return self.draw(self.mean((1 - beta) * bias + beta * self.down(h)), rng)
