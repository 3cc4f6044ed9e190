"""The few network pieces that several models share."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
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


class Standardize(nn.Module):
    """Columns shifted and scaled to mean 0 and variance 1; the identity until `fit`."""

    shift: Tensor  # (d,)
    scale: Tensor  # (d,)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

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
