"""Spins ±1 that see each other through symmetric weights, unit by unit: Glauber dynamics, and without heat the way downhill."""

from collections.abc import Iterator
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.rng import Rng

TIE = 1e-6  # an input this near to 0 moves no spin
BLOCK = 32  # spins that hear of each other at once
SWEEPS = 50  # within which nearly every state has come to rest


def energy(s: Float[Tensor, "n d"], W: Float[Tensor, "d d"], theta: Float[Tensor, " d"]) -> Float[Tensor, " n"]:
    """E(s) = -½ sᵀWs + θᵀs."""
    return -((s @ W) * s).sum(1) / 2 + s @ theta


def glauber(
    s: Float[Tensor, "n d"],
    W: Float[Tensor, "d d"],
    theta: Float[Tensor, " d"],
    rng: Rng,
    temperature: float = 0.0,
    parts: int = 1,
    free: Int[Tensor, " k"] | None = None,
) -> Iterator[Float[Tensor, "n d"]]:
    """`s`, then the states after each of `parts` parts of a sweep, in a new random order each; only `free` units move.

    A spin becomes the sign of h + T g/2, with h = Ws - θ its input and g logistic noise: +1 with probability σ(2h/T), which
    leaves exp(-E/T)/Z as it is. At T = 0 the energy never rises, and it ends after a sweep in which nothing moved. `W` is
    symmetric with a zero diagonal. All n chains take the same order; of a flip the block it is in hears at once, by a rank-1
    update, and all others by one product a block.
    """
    s, free = s.T.clone(memory_format=torch.contiguous_format), torch.arange(s.shape[1]) if free is None else free
    moved = True
    yield s.T.clone()
    while moved or temperature:
        moved, h = False, torch.addmm(-theta[:, None], W, s)  # anew each sweep: no rounding adds up
        if temperature:
            h += temperature / 2 * rng.uniform(*h.shape).logit().to(h.dtype)
        for part in free[rng.permutation(len(free))].chunk(parts):
            for block in part.split(BLOCK):
                near, own, before = h[block], W[block][:, block], s[block]
                now = before.clone()
                for i, (mine, input_) in enumerate(zip(now.unbind(), near.unbind(), strict=True)):
                    against = input_ * mine < -TIE
                    if against.any():
                        change = -2 * mine * against
                        near.addr_(own[i], change)
                        mine += change
                        moved = True
                h.addmm_(W[:, block], now - before)
                s[block] = now
            yield s.T.clone()


def settle(
    s: Float[Tensor, "n d"], W: Float[Tensor, "d d"], theta: Float[Tensor, " d"], rng: Rng, sweeps: int = SWEEPS
) -> Float[Tensor, "n d"]:
    """Where the states come to rest at T = 0, after at most so many sweeps."""
    *_, last = islice(glauber(s, W, theta, rng), sweeps + 1)
    return last


# ---------------------------------------------------------------- bits and spins


def bits_of_spins(W: Float[Tensor, "k k"], b: Float[Tensor, " k"]) -> tuple[Tensor, Tensor]:
    """Weights and biases of bits that make s as likely as the spins x = 2s - 1 with -½ xᵀWx - b·x: 4W, 2b - 2 Σ_j W_ij."""
    return 4 * W, 2 * b - 2 * W.sum(1)


def spins_of_bits(W: Float[Tensor, "k k"], b: Float[Tensor, " k"]) -> tuple[Tensor, Tensor]:
    """The way back: W/4, b/2 + Σ_j W_ij/4."""
    return W / 4, b / 2 + W.sum(1) / 4
