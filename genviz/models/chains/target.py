"""What a sampler walks on, kept as tensors, so that a saved file stands alone and the browser can walk there, too."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genviz.data import Banana, Ising, Mixture
from genviz.model import BadInput
from genviz.samplers.spins import bits_of_spins

Program = list[list[Any]]
SIZED = ("target.means", "target.precision", "target.constant")


class Blobs(nn.Module):
    r"""A mixture of Gaussians, straight or bent along a parabola, with its constant:

    .. math::
        \log p(x) = \log \sum_k \exp(c_k - \tfrac12 (y - m_k)^T P_k (y - m_k)), \quad y = (x_1, x_2 - a x_1^2, \dots)

    The bend a moves points and stretches nothing, so p needs no further factor. Until `adopt` it is one standard Gaussian.
    """

    means: Tensor  # (k, d)
    precision: Tensor  # (k, d, d)
    constant: Tensor  # (k,): log weight, log of the determinant and of (2π)^(d/2), nats
    bend: Tensor  # ()

    def __init__(self, d: int) -> None:
        super().__init__()
        for name, shape in (("means", (1, d)), ("precision", (1, d, d)), ("constant", (1,)), ("bend", ())):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))
        self.adopt(Mixture(torch.ones(1), torch.zeros(1, d)) if self.means.device.type != "meta" else None)

    def adopt(self, density: Mixture | Banana | None) -> None:
        if isinstance(density, Banana):
            along = torch.tensor([1.0, density.s**2], dtype=torch.float64)
            self.adopt(Mixture(torch.ones(1), torch.zeros(1, 2), covariance=along.diag()[None]))
            self.bend = torch.ones_like(self.bend)
        elif density is not None:
            d, (_, log_det) = density.means.shape[1], torch.linalg.slogdet(density.precision)
            self.means, self.precision = density.means, density.precision
            self.constant = density.weights.log() + (log_det - d * math.log(2 * math.pi)) / 2
            self.bend = torch.zeros_like(self.bend)

    @property
    def law(self) -> Mixture:
        """The mixture as it was before it was bent."""
        d, (_, log_det) = self.means.shape[1], torch.linalg.slogdet(self.precision)
        log_w = self.constant - (log_det - d * math.log(2 * math.pi)) / 2
        return Mixture(log_w.softmax(0), self.means, covariance=torch.linalg.inv(self.precision))

    def laid(self) -> "Laid":
        return Laid(self.law, float(self.bend))

    def programs(self) -> dict[str, Program]:
        """U = -log p and ∇ log p, as docs/wire.md writes them."""
        names, bend = [f"target.{name}" for name in ("means", "precision", "constant")], float(self.bend)
        minus: Program = [["affine", 0, -1]]
        if not bend:
            return {"energy": [["mixture", *names], *minus], "score": [["mixture score", *names]]}
        d = self.means.shape[1]
        straight = [["slice", 0, 1], ["put", "a"], ["mul", "a"], ["affine", 0, -bend], ["put", "drop"], ["get", "x"]]
        straight += [["slice", 1, 2], ["add", "drop"], ["put", "b"]]
        rest = [["get", "x"], ["slice", 2, d], ["put", "rest"]] if d > 2 else []
        joined = ["concat", "a", "b", *(["rest"] if d > 2 else [])]
        slope: Program = [["mixture score", *names], ["put", "slope"], ["slice", 1, d], ["put", "others"], ["slice", 0, 1]]
        slope += [["mul", "a"], ["affine", 0, -2 * bend], ["put", "turn"], ["get", "slope"], ["slice", 0, 1], ["add", "turn"]]
        slope += [["put", "first"], ["concat", "first", "others"]]
        path = [*straight, *rest, joined]
        return {"energy": [*path, ["mixture", *names], *minus], "score": [*path, *slope]}


class Laid:
    """Energy and score of a mixture bent by `bend`; and of its straight self for 0."""

    def __init__(self, law: Mixture, bend: float) -> None:
        self.law, self.bend = law, bend

    def straight(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return torch.cat([x[:, :1], x[:, 1:2] - self.bend * x[:, :1].square(), x[:, 2:]], 1)

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return -(self.law.log_prob(self.straight(x.double())).to(x.dtype) if self.bend else self.law.log_prob(x))

    def score(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        if not self.bend:
            return self.law.score(x)
        slope = self.law.score(self.straight(x.double()))
        return torch.cat([slope[:, :1] - 2 * self.bend * x[:, :1] * slope[:, 1:2], slope[:, 1:]], 1).to(x.dtype)


class Spins(nn.Module):
    """Bits 0 and 1 that stand for spins s = ±1, of energy -½ sᵀWs - b·s, nats. Until `adopt` they do not feel each other."""

    W: Tensor  # (n, n), symmetric, zero diagonal
    b: Tensor  # (n,)

    def __init__(self, n: int) -> None:
        super().__init__()
        self.register_buffer("W", torch.zeros(n, n))
        self.register_buffer("b", torch.zeros(n))

    def adopt(self, density: Ising) -> None:
        one = torch.eye(len(self.b)).unflatten(1, (density.side, density.side))
        neighbours = torch.stack([one.roll(by, axis) for by in (1, -1) for axis in (1, 2)])
        self.W = density.beta * neighbours.sum(0).flatten(1)

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        s = 2 * x.double() - 1
        return -((s @ self.W.double() / 2 + self.b) * s).sum(1).to(x.dtype)

    @property
    def listed(self) -> int:
        return len(self.b)

    def log_terms(self, high: Float[Tensor, "m k"], low: Float[Tensor, "n k"]) -> Float[Tensor, "m n"]:
        """-U of every state high + low of the bits (`metrics.partition.Listed`), float64."""
        W, b = self.W.double(), self.b.double()
        offset = W.sum() / 2 - b.sum()  # of a state of bits 0
        W, b = bits_of_spins(W, b)
        alone = [(x @ W * x).sum(1) / 2 + x @ b for x in (high, low)]
        return alone[0][:, None] + alone[1] + high @ W @ low.T + offset

    def programs(self) -> dict[str, Program]:
        felt = [["affine", -1, 2], ["put", "s"], ["linear", "target.W"], ["affine", "target.b", 0.5]]
        energy = [*felt, ["mul", "s"], ["sum"], ["affine", 0, -1]]
        return {"gibbs": [["sweep", "target.W", "target.b", "spins"]], "energy": energy}


class Held:
    """A target on the coordinates that `clamp` (d,) leaves free: NaN there; its rows z are these coordinates alone."""

    def __init__(self, target: Any, clamp: Tensor | None) -> None:
        self.target, self.clamp = target, clamp

    def part(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n f"]:
        return x if self.clamp is None else x[:, self.clamp.isnan()]

    def whole(self, z: Float[Tensor, "*n f"]) -> Float[Tensor, "*n d"]:
        if self.clamp is None:
            return z
        x = self.clamp.to(z.dtype).expand(*z.shape[:-1], -1).clone()
        x[..., self.clamp.isnan()] = z
        return x

    def energy(self, z: Float[Tensor, "n f"]) -> Float[Tensor, " n"]:
        return self.target.energy(self.whole(z))

    def score(self, z: Float[Tensor, "n f"]) -> Float[Tensor, "n f"]:
        return self.part(self.target.score(self.whole(z)))

    def law(self) -> Mixture:
        """The mixture that it is; a `BadInput` for a bent one, whose conditionals have no closed form."""
        if self.target.bend:
            raise BadInput("sampler = gibbs: a bent target has no conditionals in closed form; take mh, mala, hmc or pt")
        return self.target.law if self.clamp is None else self.target.law.knowing(self.clamp)
