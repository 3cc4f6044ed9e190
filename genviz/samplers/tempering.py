"""Parallel tempering: hot replicas cross barriers, cold ones inherit what they found."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from genviz.rng import Rng

Move = Callable[[Tensor, Rng], tuple[Tensor, Tensor]]


def ladder(temperatures: int) -> Float[Tensor, " k"]:
    """Inverse temperatures from 0 up to 1, evenly; a single one is 1."""
    return torch.linspace(1, 0, temperatures).flip(0)


def swap(
    states: Float[Tensor, "k m d"], energy: Float[Tensor, "k m"], betas: Float[Tensor, " k"], parity: int, rng: Rng
) -> tuple[Float[Tensor, "k m d"], Bool[Tensor, "pairs m"]]:
    """Replicas of neighbouring temperatures, from the `parity`-th on, change places or not; and which of them did.

    It happens with probability min(1, exp((β' - β)(E' - E))), which leaves the product of all exp(-β E) as it is.
    """
    hotter = torch.arange(parity, len(betas) - 1, 2)
    gain = (betas.diff()[hotter, None] * (energy[hotter + 1] - energy[hotter])).exp()
    swapped = rng.uniform(*gain.shape) < gain
    order = torch.arange(len(betas))[:, None].repeat(1, energy.shape[1])
    order[hotter] += swapped.long()
    order[hotter + 1] -= swapped.long()
    return states.gather(0, order[:, :, None].expand_as(states)), swapped


class Tempering:
    """Replicas of a chain at several temperatures, `states` (k, m, d) at inverse temperatures `betas` (k,).

    `move(states, rng)` takes every replica one step of its own tempered chain and returns the states and their energies
    (k, m), nats at β = 1. After each move neighbours try to change places, even and odd pairs in turn. `turn` counts the
    moves.

    Source: Geyer 1991; for restricted Boltzmann machines, Desjardins et al., AISTATS 2010.
    """

    def __init__(self, betas: Float[Tensor, " k"], move: Move) -> None:
        self.betas, self.move, self.turn = betas, move, 0

    def step(self, states: Float[Tensor, "k m d"], rng: Rng) -> Float[Tensor, "k m d"]:
        states, energy = self.move(states, rng)
        parity = self.turn % 2
        self.turn += 1
        if parity + 1 < len(self.betas):
            states, _ = swap(states, energy, self.betas, parity, rng)
        return states
