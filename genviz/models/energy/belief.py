"""A level of a deep belief network: a harmonium that may see a class, and whose two directions may learn apart."""

import math
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import one_hot, softplus

from genviz.metrics.partition import softplus_sums
from genviz.models.energy.harmonium import Harmonium
from genviz.rng import Rng


def log_bits(up: Float[Tensor, "n d"], x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """log p(x) of independent bits whose inputs are `up`, nats."""
    return (x * up - softplus(up)).sum(1)


class Level(Harmonium):
    """A harmonium of a stack. The last `labels` of its visible units, if any, are a class: exactly one of them is on.

    Below the top W and b paint, p(v=1|h) = σ(b + h Wᵀ), while c and W, or R where up-down training has untied them,
    recognise: q(h=1|v) = σ(c + v R). `fantasies` are hidden bits at which its own chains stand. Where up-down training is
    to come, `kept` is the level as it stood when its own turn was over.
    """

    there: Tensor  # (1,): 1 when the level belongs to the model, 0 before it is its turn to learn
    fantasies: Tensor

    def __init__(self, d: int, m: int, labels: int, chains: int, untied: bool, kept: bool) -> None:
        super().__init__(d + labels, m)
        self.labels = labels
        self.register_buffer("there", torch.zeros(1))
        self.register_buffer("fantasies", (torch.rand(chains, m) < 0.5).float())
        self.kept, self.R = None, None
        self.kept = deepcopy(self) if kept else None
        self.R = nn.Parameter(torch.zeros(d, m), requires_grad=False) if untied else None

    @property
    def size(self) -> int:
        """Visible units that are no label."""
        return len(self.b) - self.labels

    def recognise(self, v: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The input of q(h|v)."""
        return torch.addmm(self.c, v, self.W if self.R is None else self.R)

    def end(self) -> None:
        """Its turn is over: whatever becomes of it later, what it is now is kept."""
        if self.R is not None:
            self.R.copy_(self.W)
        if self.kept is not None:
            self.kept.load_state_dict({name: self.state_dict()[name] for name in self.kept.state_dict()})

    @property
    def alone(self) -> "Level":
        """As it was when its turn was over; until then, or where all stays as it was, it is that itself."""
        return self if self.kept is None or not self.kept.there else self.kept

    def keep(self, h: Float[Tensor, "n m"]) -> None:
        """Fantasies stand here now."""
        self.fantasies[: len(h)] = h[: len(self.fantasies)]

    # ------------------------------------------------------------ a class among the visible units

    def parts(self, x: Float[Tensor, "*n d"]) -> tuple[Float[Tensor, "*n a"], Float[Tensor, "*n c"]]:
        return x[..., : self.size], x[..., self.size :]

    def start(self, mean: Float[Tensor, " d"]) -> None:
        super().start(mean)
        for bias in (self.b, self.anchor):
            self.parts(bias)[1].copy_(self.parts(mean)[1].clamp(min=0.01).log())

    def mean(self, down: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        if not self.labels:
            return super().mean(down)
        pixels, label = self.parts(down)
        return torch.cat([pixels.sigmoid(), label.softmax(1)], 1)

    def draw(self, mean: Float[Tensor, "n d"], rng: Rng) -> Float[Tensor, "n d"]:
        if not self.labels:
            return super().draw(mean, rng)
        pixels, label = self.parts(mean)
        return self.join(rng.coins(pixels), rng.categorical(label, 1)[:, 0])

    def join(self, v: Float[Tensor, "n a"], y: Tensor | None) -> Float[Tensor, "n d"]:
        """Rows and classes as the visible units hold them."""
        return v if y is None or not self.labels else torch.cat([v, one_hot(y, self.labels).to(v.dtype)], 1)

    def beside(self, v: Float[Tensor, "n a"], label: Float[Tensor, "n c"]) -> Float[Tensor, "n d"]:
        """Rows and the classes' probabilities, likewise."""
        return torch.cat([v, label], 1) if self.labels else v

    def votes(self, v: Float[Tensor, "n a"]) -> Float[Tensor, "n c"]:
        """-F(v, y) of every class y: p(y|v) is their softmax. Without classes there is one column."""
        if not self.labels:
            return -self.free_energy(v)[:, None]
        (b, by), (W, Wy) = self.parts(self.b), (self.W[: self.size], self.W[self.size :])
        return (v @ b)[:, None] + by + softplus((self.c + v @ W)[:, None] + Wy).sum(2)

    def log_star(self, v: Float[Tensor, "n a"]) -> Float[Tensor, " n"]:
        """log p(v) + log Z: hidden units and the class are summed out."""
        return self.votes(v).logsumexp(1)

    @property
    def lists_hidden(self) -> bool:
        return self.labels > 0 or super().lists_hidden

    def log_terms(self, high: Float[Tensor, "k m"], low: Float[Tensor, "l m"]) -> Float[Tensor, "k l"]:
        if not self.labels:
            return super().log_terms(high, low)
        W, b, c = self.W.double(), self.b.double(), self.c.double()
        (a, ay), (g, gy) = self.parts(b + high @ W.T), self.parts(low @ W.T)
        most_a, most_g = ay.amax(1, keepdim=True), gy.amax(1, keepdim=True)
        classes = torch.mm((ay - most_a).exp(), (gy - most_g).exp().T).log() + most_a + most_g.T
        return (high @ c)[:, None] + low @ c + softplus_sums(a, g) + classes

    def base(self, n: int, rng: Rng) -> tuple[Tensor, float]:
        if not self.labels:
            return super().base(n, rng)
        pixels, label = self.parts(self.anchor.double())
        log_z = softplus(pixels).sum() + label.logsumexp(0)
        return self.draw(self.mean(self.anchor.expand(n, -1)), rng), float(log_z) + len(self.c) * math.log(2)

    # ------------------------------------------------------------ one rule for both directions, once they are untied

    def paint(self, v: Float[Tensor, "n d"], h: Float[Tensor, "n m"]) -> list[tuple[Tensor, Tensor]]:
        """The gradient of the mean log p(v|h) by W and b, each with what it belongs to: the wake phase."""
        error = v - self.down(h).sigmoid()
        return [(self.W, error.T @ h / len(v)), (self.b, error.mean(0))]

    def see(self, v: Float[Tensor, "n d"], h: Float[Tensor, "n m"]) -> list[tuple[Tensor, Tensor]]:
        """The gradient of the mean log q(h|v) by R and c, of dreamt pairs: the sleep phase."""
        assert self.R is not None
        error = h - self.recognise(v).sigmoid()
        return [(self.R, v.T @ error / len(v)), (self.c, error.mean(0))]
