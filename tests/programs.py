"""A client program (docs/wire.md) as the browser runs it: a vector, registers, a chain time, noise, a temperature."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Coin = Callable[[Tensor], Tensor]  # of each probability
ALONE: dict[str, Callable[..., Tensor]] = {  # of the vector and tensors or numbers, nothing else
    "relu": torch.relu,
    "leakyrelu": F.leaky_relu,
    "tanh": torch.tanh,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "affine": lambda x, shift, scale: x * scale + shift,
    "clamp": lambda x, low, high: x.clamp(low, high),
    "sincos": lambda x, b: torch.cat([(x @ b.T).sin(), (x @ b.T).cos()], 1),
    "slice": lambda x, start, end: x[:, start:end],
    "sum": lambda x: x.sum(1, keepdim=True),
    "softmax": lambda x: x.softmax(1),
    "logsumexp": lambda x: x.logsumexp(1, keepdim=True),
    "dot": lambda x, b: (x @ b)[:, None],
}


def _parts(x: Tensor, means: Tensor, precision: Tensor, constant: Tensor) -> tuple[Tensor, Tensor]:
    """log w_k N(x; m_k) of each component (n, k), and the slope of each (n, k, d)."""
    miss = means - x[:, None].to(means.dtype)
    pull = (precision @ miss[..., None]).squeeze(3)
    return constant - (miss * pull).sum(2) / 2, pull


def mixture(x: Tensor, *law: Tensor) -> Tensor:
    return _parts(x, *law)[0].logsumexp(1, keepdim=True).to(x.dtype)


def mixture_score(x: Tensor, *law: Tensor) -> Tensor:
    log_joint, pull = _parts(x, *law)
    return (log_joint.softmax(1)[..., None] * pull).sum(1).to(x.dtype)


LAWS = {"mixture": mixture, "mixture score": mixture_score}


def run(
    program: Sequence[Sequence[Any]],
    tensors: Mapping[str, Tensor],
    x: Tensor,
    *,
    t: int = 0,
    beta: float = 1.0,
    coin: Coin = lambda p: p,
    noise: Coin = torch.zeros_like,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The rows (n, k) that become of `x` (n, d), and the registers. By default coins show their bias, and noise is off."""
    registers = {"x": x}
    for op, *arguments in program:
        if op in LAWS:
            x = LAWS[op](x, *(tensors[a] for a in arguments))
        elif op in ALONE:
            x = ALONE[op](x, *(tensors[a] if isinstance(a, str) else a for a in arguments))
        elif op == "linear":
            weight, bias, turned = (*arguments, "", "")[:3]
            x = F.linear(x, tensors[weight].T if turned == "T" else tensors[weight], tensors[bias] if bias else None)
        elif op == "put":
            registers[arguments[0]] = x
        elif op == "get":
            x = registers[arguments[0]]
        elif op == "concat":
            x = torch.cat([registers[name] for name in arguments], 1)
        elif op == "add":
            x = x + registers[arguments[0]]
        elif op == "mul":
            x = x * registers[arguments[0]]
        elif op == "row":
            x = tensors[arguments[0]][t].expand(len(registers["x"]), -1)
        elif op == "temper":
            x = x * beta
        elif op == "bernoulli":
            x = coin(x)
        elif op == "choose":  # by its share at every draw; without chance, the likeliest
            x = torch.nn.functional.one_hot(x.argmax(1), x.shape[1]) * (x.sum(1, keepdim=True) > 0).to(x.dtype)
        elif op == "sweep":
            x = sweep(x, *arguments, tensors=tensors, beta=beta, coin=coin)
        elif op == "gaussian":
            x = x + registers[arguments[0]].sqrt() * noise(x)
        else:
            raise AssertionError(f"docs/wire.md has no operation {op}")
    return x, registers


def sweep(
    x: Tensor, weight: str, bias: str, how: str = "", *, tensors: Mapping[str, Tensor], beta: float, coin: Coin
) -> Tensor:
    """Each unit in turn, in the order in which they stand; the browser takes a random one."""
    x, spins = x.clone(), how == "spins"
    for i in range(x.shape[1]):
        field = (2 * x - 1 if spins else x) @ tensors[weight][i] + tensors[bias][i]
        x[:, i] = coin((beta * (2 * field if spins else field)).sigmoid())
    return x
