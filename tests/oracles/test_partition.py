"""The constant Z: by listing, against plain sums; by annealing, against both."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from genviz.errors import BadInput
from genviz.metrics.partition import Annealed, Listed, ais, exact_log_z, halves, refuse, softplus_sums
from genviz.models.energy.harmonium import Harmonium
from genviz.rng import Rng


def bits(n: int) -> Tensor:
    """Every row of n bits."""
    return torch.tensor(list(product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def machine(d: int, m: int, std: float = 0.7, sigma: float = 0.0, seed: int = 0) -> Harmonium:
    """Random weights and biases, in float64."""
    rng, net = Rng(seed, "machine"), Harmonium(d, m, sigma=sigma)
    for theta in (net.W, net.b, net.c):
        theta.copy_(std * rng.normal(*theta.shape))
    net.anchor.copy_(0.5 * rng.normal(d))
    return net.double()


# ---------------------------------------------------------------- exact


@pytest.mark.parametrize("units", [1, 3, 10, 11, 13])
def test_two_halves_make_every_state_once(units: int) -> None:
    high, low = halves(units)
    assert torch.equal((high[:, None] + low).flatten(0, 1), bits(units))


@pytest.mark.parametrize("std", [0.1, 3.0, 50.0, 500.0, 1e4])  # up to where e^x itself is no number any more
@pytest.mark.parametrize("d", [1, 4, 785])
def test_sums_of_softplus_are_those_taken_one_by_one(std: float, d: int) -> None:
    rng = Rng(d, "sums")
    a, b = std * rng.normal(17, d).double(), std * rng.normal(23, d).double()
    torch.testing.assert_close(softplus_sums(a, b), softplus(a[:, None] + b).sum(2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("d", "m"), [(5, 4), (4, 5), (12, 11), (11, 12), (1, 1)])
def test_log_z_is_the_sum_over_all_states_of_both_layers(d: int, m: int) -> None:
    net = machine(d, m)
    v, h = bits(d), bits(m)
    joint = (v @ net.b)[:, None] + h @ net.c + v @ net.W @ h.T
    assert exact_log_z(net) == pytest.approx(joint.flatten().logsumexp(0).item(), abs=1e-10)
    assert net.listed == min(d, m)


class Coins:
    """`listed` fair coins and nothing else: Z = 2^listed, whatever the number of chunks."""

    def __init__(self, listed: int) -> None:
        self.listed, self.chunks = listed, 0

    def log_terms(self, high: Tensor, low: Tensor, /) -> Tensor:
        self.chunks += 1
        assert len(high) * len(low) <= 2**18
        return torch.zeros(len(high), len(low), dtype=torch.float64)


def test_any_model_whose_layer_can_be_listed_has_its_z() -> None:
    coins = Coins(20)
    assert isinstance(coins, Listed)
    assert exact_log_z(coins) == pytest.approx(20 * math.log(2), abs=1e-10) and coins.chunks == 4


def test_what_is_too_dear_is_refused_with_its_cost() -> None:
    with pytest.raises(BadInput, match=r"2\^26 states of 26 units, about 64 seconds: at most 20 .* annealed"):
        exact_log_z(Coins(26))
    for units, cost in ((28, "4 minutes"), (34, "5 hours"), (64, r"558,\d{3} years")):
        with pytest.raises(BadInput, match=cost):
            refuse(units)
    refuse(20)


# ---------------------------------------------------------------- annealed


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_annealing_finds_the_exact_constant(seed: int, sigma: float) -> None:
    net = machine(12, 8, seed=seed, sigma=sigma)
    found = ais(net, Rng(seed, "ais"), temperatures=1000, runs=100)
    low, high = found.interval
    exact = exact_log_z(net)
    assert found.log_z == pytest.approx(exact, abs=0.1)
    assert low < exact < high and not found.warning


def test_without_links_every_run_has_the_same_exact_weight() -> None:
    net = machine(12, 8)
    net.W.zero_()
    net.anchor.copy_(net.b)
    found = ais(net, Rng(0, "ais"), temperatures=10, runs=20)
    assert found.log_z == pytest.approx(exact_log_z(net), abs=1e-10)
    assert found.log_w.std() < 1e-10 and found.ess == pytest.approx(20)


def test_weights_of_few_temperatures_are_unbiased() -> None:
    net = machine(8, 5, std=0.6)
    found = ais(net, Rng(0, "ais"), temperatures=5, runs=2000)
    ratio = (found.log_w - (exact_log_z(net) - found.log_z_base)).exp()
    assert (ratio.mean() - 1).abs() < 3 * ratio.std() / math.sqrt(len(ratio))
    assert ratio.std() > 0.1  # so that this says something


@pytest.mark.parametrize("sigma", [0.0, 0.8])
@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_a_step_of_annealing_leaves_its_density_as_it_is(beta: float, sigma: float) -> None:
    """Rows drawn from f_β exactly keep their means after a step."""
    net, rng, n = machine(3, 4, sigma=sigma), Rng(5, "step"), 200_000
    if sigma:
        warm = machine(3, 4, sigma=sigma)  # f_β is a mixture of Gaussians itself, that of weaker links
        warm.W.mul_(beta)
        warm.c.mul_(beta)
        x = warm.draw(warm.down(warm.draw_exactly(n, rng)), rng)
    else:
        states = bits(3)
        x = states[rng.categorical(net.log_f(states, torch.tensor([beta], dtype=torch.float64))[0].softmax(0), n)]
    moved = net.anneal(x, beta, rng)
    for before, after in ((x, moved), (x[:, :1] * x[:, 1:], moved[:, :1] * moved[:, 1:])):
        error = ((before.var(0) + after.var(0)) / n).sqrt()
        assert ((before.mean(0) - after.mean(0)).abs() < 5 * error + 1e-9).all()
    assert not torch.equal(x, moved)


def test_figures_of_runs_are_those_of_their_weights() -> None:
    w = torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64)
    found = Annealed(w.log() + 900, 7.0)  # weights that no float can hold
    assert found.log_z == pytest.approx(907 + math.log(3))
    assert found.ess == pytest.approx(144 / 50)
    low, high = found.interval
    assert low == -math.inf and high == pytest.approx(907 + math.log(3 + 3 * w.std().item() / 2))
    assert "2.9 of 4 runs" in found.warning
    with pytest.raises(BadInput, match="at least one"):
        ais(machine(3, 2), Rng(0), temperatures=0)
