"""Section 7 of the sheet on Markov chain Monte Carlo: each kernel against what is known exactly."""

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import jacrev, vmap

import genviz
from genviz.data import Mixture, dataset
from genviz.data.binary import Ising, bits, stripes
from genviz.metrics.chains import autocorrelation, diagnose, round_trips, time
from genviz.model import BadInput
from genviz.models.energy.harmonium import Harmonium
from genviz.rng import Rng
from genviz.run import Run
from genviz.samplers.gibbs import Coins, Conditionals
from genviz.samplers.hmc import Hamiltonian
from genviz.samplers.langevin import Langevin
from genviz.samplers.mala import Mala
from genviz.samplers.metropolis import Metropolis, flip
from genviz.samplers.tempering import Tempered, geometric
from genviz.samplers.walk import Walk, run


def bowl(x: Tensor) -> Tensor:
    """The energy of N(0, I)."""
    return x.square().sum(1) / 2


def down(x: Tensor) -> Tensor:
    return -x


def known(name: str) -> Mixture:
    density = dataset(name).density
    assert isinstance(density, Mixture)
    return density


def went(kernel: Any, x: Tensor, rng: Rng, steps: int, burn: int = 0) -> list[Walk]:
    return [*islice(run(kernel, x, rng, burn), 1, steps + 1)]


def stacked(walks: list[Walk]) -> Tensor:
    """(chains, states, d)."""
    return torch.stack([walk.x for walk in walks], 1)


# ---------------------------------------------------------------- 1: detailed balance


def test_metropolis_balances_every_pair_of_states() -> None:
    """A ring of six, walked with a bias to the right: the matrix of its chances, and pi."""
    p = Rng(0, "ring").uniform(6).double() + 0.1
    p, right = p / p.sum(), 0.7
    chances = torch.zeros(6, 6, dtype=torch.float64)
    for way, q, q_back in ((1, right, 1 - right), (-1, 1 - right, right)):

        def propose(x: Tensor, rng: Rng, way: int = way, ratio: float = q_back / q) -> tuple[Tensor, Tensor]:
            return (x + way) % 6, torch.full((len(x),), math.log(ratio), dtype=torch.float64)

        kernel = Metropolis(lambda x: -p[x[:, 0].long()].log(), propose=propose)
        walk = kernel.step(kernel.begin(torch.arange(6.0)[:, None]), Rng(1))
        chances[torch.arange(6), walk.proposal[:, 0].long()] += q * walk.chance
    chances += (1 - chances.sum(1)).diag()
    flow = p[:, None] * chances
    assert (flow - flow.T).abs().max() < 1e-12 and torch.allclose(p @ chances, p, atol=1e-14)
    assert (chances.diagonal() > 0).any()


def test_a_rejected_state_counts_again_and_as_often_as_it_should() -> None:
    """Of two states with p = 0.1 and 0.9; without repetitions their shares would be ½."""
    u = -torch.tensor([0.1, 0.9], dtype=torch.float64).log()
    walks = went(Metropolis(lambda x: u[x[:, 0].long()], propose=flip), torch.zeros(500, 1), Rng(2), 500, burn=50)
    assert stacked(walks).mean().item() == pytest.approx(0.9, abs=0.01)
    still = torch.stack([(walk.x == walk.proposal).all(1) == walk.accepted for walk in walks])
    assert still.all()


# ---------------------------------------------------------------- 2: Langevin, with and without the test


@pytest.mark.parametrize("eps", [0.5, 1.0, 1.4])
def test_langevin_is_too_wide_by_a_known_factor_and_the_test_mends_it(eps: float) -> None:
    for kernel, exact in ((Langevin(bowl, down, eps), 1 / (1 - eps**2 / 4)), (Mala(bowl, down, eps), 1.0)):
        rng = Rng(3, "variance")
        x = stacked(went(kernel, rng.normal(2000, 1), rng, 500, burn=100))
        assert x.var().item() == pytest.approx(exact, rel=0.01)


def test_langevin_flies_off_where_its_step_is_too_long_and_is_stopped() -> None:
    walk = went(Langevin(bowl, down, 3.0), torch.ones(4, 1), Rng(4), 900)[-1]
    assert walk.x.isfinite().all() and (walk.lost > 0).all()


# ---------------------------------------------------------------- 3: Gibbs


@pytest.mark.parametrize("rho", [0.9, 0.99])
def test_a_sweep_over_two_correlated_coordinates_forgets_one_minus_rho_squared(rho: float) -> None:
    law, rng = known(f"correlated:rho={rho}"), Rng(5, "gibbs")
    x = stacked(went(Conditionals(law), law.sample(400, rng), rng, 2000))[:, :, 0]
    assert autocorrelation(x, 2)[1].item() == pytest.approx(rho**2, abs=0.004)


def test_the_conditionals_of_a_mixture_are_those_of_the_closed_form() -> None:
    rng = Rng(6, "conditionals")
    root = rng.normal(3, 3, 3).double()
    law = Mixture(torch.tensor([0.2, 0.5, 0.3]), 2 * rng.normal(3, 3), covariance=root @ root.transpose(1, 2) + torch.eye(3))
    x = law.sample(5, rng)
    line = torch.linspace(-8, 8, 400, dtype=torch.float64)
    for i in range(3):
        log_w, mean, std = law.given(x, i)
        for row in range(len(x)):
            full = x[row].double().repeat(400, 1)
            full[:, i] = line
            joint = law.log_prob(full).softmax(0)
            one = Mixture(log_w[row].softmax(0), mean[row][:, None], std).log_prob(line[:, None]).softmax(0)
            torch.testing.assert_close(one, joint, rtol=1e-8, atol=1e-12)
            clamp = x[row].double()
            clamp[i] = math.nan
            torch.testing.assert_close(law.knowing(clamp).log_prob(line[:, None]).softmax(0), joint, rtol=1e-8, atol=1e-12)


def test_gibbs_on_a_mixture_leaves_it_as_it_is() -> None:
    law, rng = Mixture(torch.tensor([0.3, 0.7]), torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), 0.7), Rng(7, "mixture")
    x = stacked(went(Conditionals(law), law.sample(4000, rng), rng, 20))[:, -1]
    exact = law.sample(200_000, rng).double()
    assert (x.mean(0) - exact.mean(0)).abs().max() < 5 * 1.2 / 4000**0.5
    assert (x.T.cov() - exact.T.cov()).abs().max() < 0.12


def test_a_sweep_shows_each_coordinate_move_by_itself() -> None:
    law = known("two-modes")
    walk = went(Conditionals(law), law.sample(6, Rng(8)), Rng(8), 1)[0]
    path = walk.path  # pyright: ignore[reportAttributeAccessIssue]
    assert path.shape == (3, 6, 2) and torch.equal(path[2], walk.x)
    assert torch.equal(path[0][:, 1], path[1][:, 1]) and torch.equal(path[1][:, 0], path[2][:, 0])


# ---------------------------------------------------------------- 4: the leapfrog


def double_well(x: Tensor) -> Tensor:
    return (x.square() - 1).square().sum(1) + x[:, :1].prod(1) / 3


def well_score(x: Tensor) -> Tensor:
    slope = -4 * x * (x.square() - 1)
    return slope - torch.eye(x.shape[1], dtype=x.dtype)[0] / 3


def slid(x: Tensor, p: Tensor, eps: float, steps: int) -> tuple[Tensor, Tensor]:
    points, momenta, _ = Hamiltonian(double_well, well_score, eps, steps, jitter=0.0).orbit(x, p, well_score(x), eps)
    return points[-1], momenta[-1]


def test_the_leapfrog_can_be_undone_preserves_volume_and_errs_by_the_square_of_its_step() -> None:
    rng = Rng(9, "leapfrog")
    x, p = rng.normal(50, 2).double(), rng.normal(50, 2).double()
    y, q = slid(x, p, 0.1, 25)
    back, turned = slid(y, -q, 0.1, 25)
    assert (back - x).abs().max() < 1e-10 and (turned + p).abs().max() < 1e-10

    def flat(state: Tensor) -> Tensor:
        points, momenta = [state[:2]], [state[2:]]
        for _ in range(10):  # the same steps, for a single point
            half = momenta[-1] + 0.05 * well_score(points[-1][None])[0]
            points.append(points[-1] + 0.1 * half)
            momenta.append(half + 0.05 * well_score(points[-1][None])[0])
        return torch.cat([points[-1], momenta[-1]])

    states = torch.cat([x, p], 1)
    torch.testing.assert_close(vmap(flat)(states), torch.cat(slid(x, p, 0.1, 10), 1))
    torch.testing.assert_close(torch.linalg.det(vmap(jacrev(flat))(states)), torch.ones(50, dtype=torch.float64))

    def worst(eps: float) -> float:
        points, momenta, _ = Hamiltonian(double_well, well_score, eps, round(2 / eps), jitter=0.0).orbit(
            x, p, well_score(x), eps
        )
        h = torch.stack([double_well(a) + b.square().sum(1) / 2 for a, b in zip(points, momenta, strict=True)])
        return (h - h[0]).abs().max(0).values.mean().item()

    assert worst(0.04) / worst(0.02) == pytest.approx(4, rel=0.1)
    assert worst(0.02) / worst(0.01) == pytest.approx(4, rel=0.1)


def test_hmc_leaves_a_bent_ridge_as_it_is() -> None:
    data, rng = dataset("banana"), Rng(10, "banana")
    law: Any = data.density
    walks = went(Hamiltonian(lambda x: -law.log_prob(x), law.score, 0.1, 15), law.sample(4000, rng), rng, 15)
    x, exact = stacked(walks)[:, -1], law.sample(100_000, rng).double()
    for f in (lambda x: x[:, 0], lambda x: x[:, 0].square(), lambda x: x[:, 1], lambda x: x[:, 1].square()):
        assert abs(f(x).mean() - f(exact).mean()) < 5 * f(exact).std() / 4000**0.5
    assert all(walk.nfe == 15 for walk in walks)
    assert walks[-1].path.shape == (16, 4000, 2)  # pyright: ignore[reportAttributeAccessIssue]


def test_an_orbit_that_flies_off_is_a_divergence_rejected_and_counted() -> None:
    def cliff(x: Tensor) -> Tensor:
        return 1e4 * x.pow(4).sum(1)

    kernel = Hamiltonian(cliff, lambda x: -4e4 * x.pow(3), 0.5, 10)
    walk = went(kernel, torch.full((8, 1), 0.5), Rng(11), 1)[0]
    assert walk.diverged.all() and not walk.accepted.any() and (walk.divergences == 1).all()  # pyright: ignore
    assert (walk.x == 0.5).all() and walk.energy.isfinite().all()


# ---------------------------------------------------------------- 5: Ising


def test_gibbs_and_tempered_gibbs_find_the_exact_energy_of_the_lattice() -> None:
    ising, every = Ising(4, 0.3), bits(16).double()
    u = ising.energy(every)
    exact = (-u).softmax(0) @ ising.bonds(every)
    assert exact.item() == pytest.approx(13.51, abs=0.01)
    rng = Rng(12, "ising")
    start = rng.coins(torch.full((100, 16), 0.5))
    for kernel, steps in ((Coins(ising.energy), 150), (Tempered(Coins(ising.energy), geometric(4, 0.2)), 150)):
        x = stacked(went(kernel, start, rng, steps, burn=20))
        bonds = ising.bonds(x.flatten(0, 1)).view(100, -1)
        error = bonds.std().item() / math.sqrt(diagnose(bonds).ess)
        assert abs(bonds.mean().item() - exact.item()) < 3 * error and error < 0.2


def test_coins_take_any_listed_energy_and_flips_agree() -> None:
    """Sixteen states with energies of their own, looked up."""
    rng = Rng(13, "listed")
    table = 2 * rng.normal(16).double()

    def energy(x: Tensor) -> Tensor:
        return table[x.long() @ torch.tensor([8, 4, 2, 1])]

    exact = (-table).softmax(0)
    for kernel in (Coins(energy), Metropolis(energy, propose=flip), Tempered(Coins(energy), geometric(3, 0.1))):
        x = stacked(went(kernel, torch.zeros(3000, 4), rng, 100, burn=100))[:, ::10].flatten(0, 1)
        share = (x.long() @ torch.tensor([8, 4, 2, 1])).bincount(minlength=16) / len(x)
        assert (share - exact).abs().max() < 0.02


# ---------------------------------------------------------------- 6: tempering


class Same(Rng):
    """Draws that follow replicas to whatever rung they go: one table a kind and turn, read in the order of `who`."""

    def __init__(self, replicas: int, chains: int) -> None:
        super().__init__(0, "same")
        self.who, self.chains = torch.arange(replicas)[:, None].expand(replicas, chains), chains

    def rows(self, drawn: Tensor) -> Tensor:
        index = self.who * self.chains + torch.arange(self.chains)
        return drawn[index.flatten()]

    def normal_like(self, x: Tensor) -> Tensor:
        return self.rows(super().normal_like(x))

    def uniform_like(self, x: Tensor) -> Tensor:
        return self.rows(super().uniform_like(x))

    def uniform(self, *shape: int) -> Tensor:  # of swaps: from a stream of its own
        return Rng(1, "swaps").uniform(*shape)


@pytest.mark.parametrize("kernel", [Metropolis(bowl, 0.8), Mala(bowl, down, 0.9), Hamiltonian(bowl, down, 0.4, 4)])
def test_a_ladder_of_equal_temperatures_is_independent_chains(kernel: Any) -> None:
    k, c = 4, 3
    start = Rng(14, "start").normal(c, 2)
    ladder, rng, alone = Tempered(kernel, torch.ones(k)), Same(k, c), Same(k, c)
    walk, single = ladder.begin(start), kernel.begin(start.repeat(k, 1))
    for _ in range(30):
        rng.who = walk.who
        walk, single = ladder.step(walk, rng), kernel.step(single, alone)
        torch.testing.assert_close(walk.states.sort(0).values, single.x.view(k, c, 2).sort(0).values)
        assert walk.swapped[walk.tried].all() and not walk.swapped[~walk.tried].any()
        torch.testing.assert_close(walk.energy, bowl(walk.x))  # what a replica remembers goes with it
        if walk.score is not None:
            torch.testing.assert_close(walk.score, down(walk.x))


@pytest.mark.parametrize(
    "kernel",
    [
        lambda law: Metropolis(lambda x: -law.log_prob(x), 0.8),
        lambda law: Mala(lambda x: -law.log_prob(x), law.score, 0.7),
        lambda law: Hamiltonian(lambda x: -law.log_prob(x), law.score, 0.3, 5),
    ],
)
def test_any_kernel_on_a_ladder_finds_two_modes_in_their_proportions(kernel: Callable[[Mixture], Any]) -> None:
    law, rng = known("two-modes"), Rng(15, "ladder")
    walks = went(Tempered(kernel(law), geometric(6, 0.01)), torch.zeros(60, 2), rng, 700, burn=100)
    x = stacked(walks)[:, :, 0]
    right = (x > 0).double()
    error = right.mean(1).std().item() / math.sqrt(len(x))
    assert abs(right.mean().item() - 0.8) < 4 * error and error < 0.02
    near = x[x > 0]
    assert near.mean().item() == pytest.approx(4.0, abs=0.05) and near.std().item() == pytest.approx(0.5, abs=0.03)
    assert round_trips(torch.stack([walk.who for walk in walks])).min() > 0  # pyright: ignore[reportAttributeAccessIssue]
    alone = went(kernel(law), torch.full((60, 2), -4.0), rng, 300)
    assert (stacked(alone)[:, :, 0] < 0).all()


# ---------------------------------------------------------------- 7: autocorrelation


def test_the_time_of_a_first_order_chain_is_the_known_one() -> None:
    from scipy.signal import lfilter

    noise = Rng(16, "ar").normal(1, 1_000_000).double().numpy()
    x = torch.tensor(lfilter([1], [1, -0.9], noise, axis=1))
    assert time(x) == pytest.approx(19, rel=0.1)


# ---------------------------------------------------------------- 8: contrastive divergence is a short chain


def test_short_chains_give_a_biased_gradient_and_long_or_tempered_ones_the_exact_one() -> None:
    data = stripes(3).unique(dim=0)
    torch.manual_seed(0)
    net = Harmonium(9, 9, 0.5)
    with torch.no_grad():
        rng, every = Rng(17, "cd"), bits(9)
        p = (-net.free_energy(every).double()).softmax(0).float()
        up = data.T @ net.up(data).sigmoid() / len(data)
        exact = up - (every * p[:, None]).T @ net.up(every).sigmoid()
        v = data[rng.integers(0, len(data), 20_000)]
        errors = {}
        for k in range(1, 201):
            v, h = net.sweep(rng.coins(net.up(v).sigmoid()), rng, net.W)
            errors[k] = ((up - v.T @ h / len(v) - exact).norm() / exact.norm()).item()
        assert errors[1] > 0.1 > errors[1] / 3 and errors[200] < 0.03
        ladder = net.tempering(8)
        states, means = (torch.rand(8, 2000, 18, generator=rng.generator) < 0.5).float(), []
        for _ in range(120):
            states = ladder.step(states, rng)
            cold, h = net.coldest(states)
            means.append(cold.T @ h / len(cold))
        tempered = up - torch.stack(means[20:]).mean(0)
        assert ((tempered - exact).norm() / exact.norm()).item() < 0.03


# ---------------------------------------------------------------- bad input, costs, tuning


KERNELS: list[Callable[..., Any]] = [
    lambda **a: Metropolis(bowl, **a),
    lambda **a: Langevin(bowl, down, **a),
    lambda **a: Mala(bowl, down, **a),
    lambda **a: Hamiltonian(bowl, down, **a),
]


def test_bad_arguments_are_named() -> None:
    for kernel in KERNELS:
        for eps in (0.0, -1.0, math.nan):
            with pytest.raises(BadInput, match="eps"):
                kernel(eps=eps)
    with pytest.raises(BadInput, match="leapfrog"):
        Hamiltonian(bowl, down, 0.1, 0)
    with pytest.raises(BadInput, match="temperatures"):
        geometric(1, 0.1)
    with pytest.raises(BadInput, match="hottest"):
        geometric(4, 0.0)
    for hottest in (5.0, math.nan, math.inf, -0.1):
        with pytest.raises(BadInput, match="hottest = .*above 0, at most 1"):
            geometric(4, hottest)
    for betas in ([0.5, 0.2, 1.0], [math.nan, 1.0], [0.1, math.nan, 1.0], [0.5, math.inf, 1.0], [-0.1, 1.0], [0.1, 0.9]):
        with pytest.raises(BadInput, match="betas = .*that rise"):
            Tempered(Metropolis(bowl), torch.tensor(betas))
    with pytest.raises(BadInput, match="tempered mixture"):
        went(Tempered(Conditionals(known("two-modes")), geometric(3, 0.1)), torch.zeros(2, 2), Rng(0), 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_start_without_probability_is_refused_by_its_row(bad: float) -> None:
    def energy(x: Tensor) -> Tensor:
        return bowl(x).masked_fill(x[:, 0] > 5, bad)

    for kernel in (
        Metropolis(energy),
        Mala(energy, down),
        Hamiltonian(energy, down),
        Tempered(Metropolis(energy), geometric(2, 0.1)),
    ):
        with pytest.raises(BadInput, match="row 1: the target"):
            kernel.begin(torch.tensor([[0.0], [6.0]]))
    with pytest.raises(BadInput, match="no rows"):
        Metropolis(energy).begin(torch.zeros(0, 1))
    with pytest.raises(BadInput, match="row 0"):
        Metropolis(energy).begin(torch.tensor([[math.nan]]))


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_an_energy_that_is_no_number_is_never_gone_to_and_counted(bad: float) -> None:
    def energy(x: Tensor) -> Tensor:
        return bowl(x).masked_fill(x[:, 0] > 1, bad)

    for kernel in (
        Metropolis(energy, 1.0),
        Mala(energy, down, 1.0),
        Hamiltonian(energy, down, 0.3, 5),
        Langevin(energy, down, 1.0),
    ):
        x = stacked(walks := went(kernel, torch.zeros(200, 1), Rng(18), 200))
        assert x.max() <= 1 and walks[-1].energy.isfinite().all()
        lost = getattr(walks[-1], "divergences", walks[-1].lost)
        assert (lost > 0).all() and (lost < 200).all()


def test_steps_cost_what_they_say() -> None:
    """Rows given to energy or score, whichever a step asks more of, a chain and step."""
    asked = {"energy": 0, "score": 0}

    def counted(name: str, f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def wrapped(x: Tensor) -> Tensor:
            asked[name] += len(x)
            return f(x)

        return wrapped

    u, s = counted("energy", bowl), counted("score", down)
    kernels = {
        1: [Metropolis(u), Langevin(u, s), Mala(u, s)],
        7: [Hamiltonian(u, s, 0.1, 7)],
        5: [Tempered(Metropolis(u), geometric(5, 0.1))],
    }
    for cost, those in kernels.items():
        for kernel in those:
            walk = kernel.begin(torch.zeros(3, 2))
            asked.update(energy=0, score=0)
            walk = kernel.step(walk, Rng(19))
            assert walk.nfe == cost and max(asked.values()) == 3 * cost
    flips = Coins(counted("energy", lambda x: x.sum(1)))
    walk = flips.begin(torch.zeros(3, 6))
    asked.update(energy=0)
    assert flips.step(walk, Rng(19)).nfe == 6 and asked["energy"] == 18


def test_eps_is_tuned_to_a_good_acceptance() -> None:
    for kernel in (Metropolis(bowl, 0.01), Mala(bowl, down, 0.01), Hamiltonian(bowl, down, 5.0, 3)):
        walks = [*islice(run(kernel, torch.zeros(50, 5), Rng(20), burn=400, adapt=True), 1, 300)]
        assert torch.stack([walk.chance for walk in walks]).mean().item() == pytest.approx(kernel.goal, abs=0.08)


def test_eps_is_frozen_after_the_burn_in() -> None:
    used: list[float] = []

    class Told(Metropolis):
        def step(self, walk: Walk, rng: Rng) -> Walk:
            used.append(self.eps)
            return super().step(walk, rng)

    next(islice(run(Told(bowl, 0.01), torch.zeros(5, 2), Rng(21), burn=50, adapt=True), 30, None))
    assert len(set(used[:50])) > 40 and len(set(used[50:])) == 1 and len(used) == 80


# ---------------------------------------------------------------- the model


@pytest.mark.parametrize("name", ["two-modes", "correlated", "ring", "banana", "grid25:spacing=4,s=0.3"])
def test_its_target_is_the_density_of_the_data(name: str) -> None:
    data = dataset(name)
    model, law = genviz.create("mcmc", data), data.density
    assert isinstance(law, genviz.data.Density)
    torch.testing.assert_close(model.log_prob(data.x), law.log_prob(data.x), rtol=1e-5, atol=1e-5)  # pyright: ignore
    torch.testing.assert_close(model.score(data.x), law.score(data.x), rtol=1e-4, atol=1e-4)  # pyright: ignore
    assert model.target.means.requires_grad is False  # pyright: ignore[reportAttributeAccessIssue]


def test_its_magnets_are_those_of_the_data() -> None:
    data = dataset("ising:side=4,beta=0.5")
    model: Any = genviz.create("mcmc", data)
    every = bits(16)
    torch.testing.assert_close(model.energy(every), data.density.energy(every))  # pyright: ignore
    assert model.log_prob(every).exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(BadInput, match="give bits"):
        model.energy(torch.full((1, 16), 0.5))


@pytest.mark.parametrize("sampler", ["mh", "gibbs", "ula", "mala", "hmc", "pt"])
def test_every_sampler_walks_round_what_is_known(sampler: str) -> None:
    """x₂ held: the first column of a narrow Gaussian has mean ρ x₂ and variance 1 - ρ²."""
    data = dataset("correlated:rho=0.8")
    model: Any = genviz.create("mcmc", data, sampler=sampler, eps=0.3, leapfrog=5, temperatures=3, hottest=0.2)
    clamp, x = torch.tensor([math.nan, 1.0]), []
    for state in islice(model.chain(400, Rng(21), clamp=clamp), 60, 160):
        x.append(state.x)
    x = torch.stack(x)
    assert (x[..., 1] == 1).all()
    assert x[..., 0].mean().item() == pytest.approx(0.8, abs=0.04)
    assert x[..., 0].std().item() == pytest.approx(0.6, abs=0.04 if sampler != "ula" else 0.06)


def test_what_cannot_be_walked_on_is_refused_in_words() -> None:
    for name in ("sine", "digits", "checkerboard", "bars-and-stripes", "two-points", "ard"):
        with pytest.raises(BadInput, match="known density"):
            genviz.create("mcmc", name)
    with pytest.raises(BadInput, match="sampler = hmc follows slopes"):
        genviz.create("mcmc", "ising:side=4", sampler="hmc")
    for sampler in ("pt", "gibbs", "ula"):
        with pytest.raises(BadInput, match=f"adapt = yes: sampler = {sampler} has no acceptance"):
            genviz.create("mcmc", "two-modes", sampler=sampler, burn=10, adapt=True)
    with pytest.raises(BadInput, match="adapt = yes: bits are flipped"):
        genviz.create("mcmc", "ising:side=4", sampler="mh", burn=10, adapt=True)
    with pytest.raises(BadInput, match="no conditionals in closed form"):
        next(genviz.create("mcmc", "banana", sampler="gibbs").chain(2, Rng(0)))  # pyright: ignore
    with pytest.raises(BadInput, match=r"2\^256 states"):
        genviz.create("mcmc", "ising").log_prob(torch.zeros(1, 256))  # pyright: ignore
    with pytest.raises(BadInput, match="nothing to train"):
        Run(genviz.create("mcmc", "two-modes"), dataset("two-modes"))
