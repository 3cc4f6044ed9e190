"""Swaps of replicas, against the product of their densities."""

import torch
from torch import Tensor

from genviz.data.binary import bits
from genviz.rng import Rng
from genviz.samplers.tempering import Tempering, ladder, swap

BETAS = torch.tensor([0.0, 0.3, 1.0])
ENERGY = torch.tensor([0.0, 5.0, 4.5, 1.0])  # of two bits: a barrier between 00 and 11


def energy(states: Tensor) -> Tensor:
    return ENERGY[(2 * states[..., 0] + states[..., 1]).long()]


def exact(beta: float) -> Tensor:
    return (-beta * ENERGY).softmax(0)


def drawn(n: int, rng: Rng) -> Tensor:
    """Independent replicas at each temperature."""
    return torch.stack([bits(2)[rng.categorical(exact(beta), n)] for beta in BETAS.tolist()])


def shares(states: Tensor) -> Tensor:
    """(k, 4): how often each replica stands in each state."""
    return torch.stack([(2 * s[:, 0] + s[:, 1]).long().bincount(minlength=4) / len(s) for s in states])


def test_a_ladder_ends_at_one() -> None:
    assert ladder(1).tolist() == [1.0]
    torch.testing.assert_close(ladder(5), torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))


def test_swaps_leave_every_temperature_its_own_law() -> None:
    n, rng = 200_000, Rng(0, "swap")
    states = drawn(n, rng)
    for parity in (0, 1):
        states, swapped = swap(states, energy(states), BETAS, parity, rng)
        assert swapped.shape == (1, n) and 0.2 < swapped.float().mean() < 0.9
    for beta, found in zip(BETAS.tolist(), shares(states), strict=True):
        p = exact(beta)
        assert ((found - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()


def test_swaps_are_made_as_often_as_metropolis_says_and_by_whole_replicas() -> None:
    n, rng = 100_000, Rng(1, "swap")
    states = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])[:, None].repeat(1, n, 1)
    after, swapped = swap(states, energy(states), BETAS, 0, rng)  # 00 is better and hot, 11 worse and cold: always
    assert swapped.all() and torch.equal(after, states[[1, 0, 2]])
    after, swapped = swap(states, energy(states), BETAS, 1, rng)  # cold 01 has more energy than hot 11: always as well
    assert swapped.all() and torch.equal(after, states[[0, 2, 1]])
    after, swapped = swap(states.flip(0), energy(states.flip(0)), BETAS, 1, rng)  # cold 00, warm 11
    p = torch.tensor((1.0 - 0.3) * (0.0 - 1.0)).exp().item()
    assert abs(swapped.float().mean().item() - p) < 5 * (p * (1 - p) / n) ** 0.5
    moved = swapped[0]
    assert torch.equal(after[2][moved], torch.ones(int(moved.sum()), 2)) and (after[2][~moved] == 0).all()


def test_replicas_cross_a_barrier_that_one_chain_does_not() -> None:
    """A move that flips one bit at a time; pairs are tried in turn."""
    betas, cold = ladder(6), 4.0

    def flip(states: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
        which = torch.eye(2)[rng.integers(0, 2, *states.shape[:2])]
        other = (states - which).abs()
        rise = betas[-len(states) :, None] * cold * (energy(other) - energy(states))
        states = torch.where((rng.uniform(*rise.shape) < (-rise).exp())[..., None], other, states)
        return states, cold * energy(states)

    rng, n = Rng(2, "barrier"), 500
    stuck = start = torch.ones(1, n, 2)
    alone, many = Tempering(betas[-1:], flip), Tempering(betas, flip)
    free = start.repeat(6, 1, 1)
    for _ in range(400):
        stuck, free = alone.step(stuck, rng), many.step(free, rng)
    assert shares(stuck)[0, 0] == 0.0 and shares(free)[-1, 0] > 0.94  # exact: 1/(1 + e^-4) = 0.98
    assert many.turn == 400
