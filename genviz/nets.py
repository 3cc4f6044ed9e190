"""The few network pieces that several models share."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu
from torch.optim import Optimizer

Activation = Literal["tanh", "relu", "silu"]
ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU}


def mlp(sizes: Sequence[int], activation: Activation = "relu") -> nn.Sequential:
    """Linear layers of these sizes with an activation between them, none after the last."""
    layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), ACTIVATIONS[activation]())]
    return nn.Sequential(*layers[:-1])


def program(net: nn.Sequential, prefix: str) -> list[list[Any]]:
    """The client program of an `mlp`, its tensors named below `prefix`: see docs/wire.md."""
    names = {kind: name for name, kind in ACTIVATIONS.items()}
    return [
        ["linear", f"{prefix}.{i}.weight", f"{prefix}.{i}.bias"] if isinstance(layer, nn.Linear) else [names[type(layer)]]
        for i, layer in enumerate(net)
    ]


def minimize(optimizer: Optimizer, loss: Tensor, **live: Any) -> None:
    """One step downhill; `live` (lr=self.lr, …) is written into the optimizer first, so that edits are in force at once."""
    for group in optimizer.param_groups:
        group.update(live)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, weight: float) -> None:
    """Move the parameters of `slow` towards those of `fast`: slow + weight · (fast − slow), a running average of weights."""
    for own, other in zip(slow.parameters(), fast.parameters(), strict=True):
        own.copy_(other) if weight == 1 else own.lerp_(other, weight)


# ---------------------------------------------------------------- networks that are told the time


def clock(steps: int, k: int = 8) -> Float[Tensor, "times f"]:
    """What a network is told of the times 0 … `steps`: a row for each, sin and cos of πjt/steps for j = 1 … k."""
    angle = math.pi * torch.arange(steps + 1)[:, None] * torch.arange(1, k + 1) / steps
    return torch.cat([angle.sin(), angle.cos()], 1)


def silent(layer: nn.Module) -> None:
    """Make a linear layer answer 0 until it has learned something."""
    assert isinstance(layer, nn.Linear)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


class FourierMLP(nn.Module):
    """An `mlp` for points, silent at first. It also sees the time, and sin(Bx) and cos(Bx): B ~ N(0, `scale`²), fixed."""

    b: Tensor

    def __init__(self, sizes: Sequence[int], times: int, waves: int = 16, scale: float = 3.0) -> None:
        super().__init__()
        d, *rest = sizes
        self.register_buffer("b", scale * torch.randn(waves, d))
        self.mlp = mlp([d + 2 * waves + times, *rest], "silu")
        silent(self.mlp[-1])

    def forward(self, x: Float[Tensor, "n d"], time: Float[Tensor, "n f"]) -> Float[Tensor, "n o"]:
        angle = x @ self.b.T
        return self.mlp(torch.cat([x, angle.sin(), angle.cos(), time], 1))

    def program(self, prefix: str, times: str) -> list[list[Any]]:
        """Its client program, told the time by the table `times`."""
        waves = [["put", "in"], ["sincos", f"{prefix}.b"], ["put", "waves"], ["row", times], ["put", "time"]]
        return [*waves, ["concat", "in", "waves", "time"], *program(self.mlp, f"{prefix}.mlp")]


class ResidualMLP(nn.Module):
    """For pictures: every hidden layer is told the time and adds to the one before; the last also sees the picture."""

    def __init__(self, d: int, hidden: int, depth: int, out: int, times: int) -> None:
        super().__init__()
        self.enter = nn.Linear(d + times, hidden)
        self.body = nn.ModuleList(nn.Linear(hidden + times, hidden) for _ in range(depth - 1))
        self.out, self.skip = nn.Linear(hidden, out), nn.Linear(d, out)  # apart: no gradient goes to the picture
        silent(self.out)
        silent(self.skip)

    def forward(self, x: Float[Tensor, "n d"], time: Float[Tensor, "n f"]) -> Float[Tensor, "n o"]:
        h = silu(self.enter(torch.cat([x, time], 1)))
        for layer in self.body:
            h = h + silu(layer(torch.cat([h, time], 1)))
        return self.out(h) + self.skip(x)


class TimeGated(nn.Module):
    """For bits: the time sets how much each hidden unit sees and where it stands, and how far a bit speaks for itself."""

    def __init__(self, d: int, hidden: int, times: int) -> None:
        super().__init__()
        self.sizes = [hidden, hidden, d, d]
        self.enter = nn.Linear(d, hidden, bias=False)
        self.gates = nn.ModuleList(mlp([times, 32, size], "silu") for size in self.sizes)
        self.out = mlp([hidden, hidden, d], "silu")

    def forward(self, x: Float[Tensor, "n d"], time: Float[Tensor, "n f"]) -> Float[Tensor, "n d"]:
        gain, shift, skip, bias = (gate(time) for gate in self.gates)
        h = self.enter(x) * (1 + 3 * gain) + shift
        return self.out(silu(h)) + 4 * skip * x + bias


def falling(rate: float, t: int, steps: int, hold: float = 0.0) -> float:
    """The step size of update t = 0, 1, …: `rate` for the share `hold` of `steps`, then linearly less, 0 from `steps` on.

    With `steps` = 0 it never falls.
    """
    return rate * max(0.0, min(1.0, (1 - t / steps) / (1 - hold))) if steps else rate


class Standardize(nn.Module):
    """Columns shifted and scaled to mean 0 and variance 1 by `fit`; until then by the given shift and scale."""

    shift: Tensor  # (d,)
    scale: Tensor  # (d,)

    def __init__(self, dim: int, shift: float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("shift", torch.full((dim,), shift))
        self.register_buffer("scale", torch.full((dim,), scale))

    def fit(self, x: Float[Tensor, "n d"]) -> None:
        self.shift.copy_(x.mean(0))
        spread = x.std(0, correction=0)
        self.scale.copy_(spread.where(spread > 1e-6, torch.ones_like(spread)))  # a constant column stays as it is

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return (x - self.shift) / self.scale

    def undo(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return x * self.scale + self.shift

    @property
    def log_det(self) -> Float[Tensor, ""]:
        """What every log-density in standardised units gains to become one in raw units, nats."""
        return -self.scale.log().sum()
