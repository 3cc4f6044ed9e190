"""Section 7 of the deep Boltzmann machine's sheet, item by item, and what its pictures and the browser rely on."""

import math
from itertools import islice, pairwise, product
from typing import Any

import pytest
import torch
from programs import run as program
from torch import Tensor
from torch.func import functional_call, grad

import genviz
from genviz.metrics.partition import ais, exact_log_z
from genviz.model import BadInput
from genviz.models.energy.alternating import Layers
from genviz.models.energy.dbm import DBM
from genviz.models.energy.deep import Deep
from genviz.models.energy.harmonium import Harmonium
from genviz.panels import Shoot, film
from genviz.rng import Rng
from genviz.run import Run, looking

SHAPES = ([4, 3, 3], [3, 2, 3, 2])


def bits(n: int) -> Tensor:
    """Every row of n bits."""
    return torch.tensor(list(product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def machine(sizes: list[int], std: float = 0.8, seed: int = 0) -> Deep:
    """Random weights and biases, in float64."""
    rng, net = Rng(seed, "deep"), Deep(sizes)
    for theta in net.parameters():
        theta.copy_(std * rng.normal(*theta.shape))
    net.anchor.copy_(rng.normal(sizes[0]))
    return net.double()


def every(sizes: list[int]) -> Layers:
    """All states of all units, as layers."""
    return [*bits(sum(sizes)).split(sizes, 1)]


def minus_energy(net: Deep, x: Layers) -> Tensor:
    """From the definition, unit by unit."""
    alone = [(layer * b).sum(1) for layer, b in zip(x, net.b, strict=True)]
    linked = [torch.einsum("ni,ij,nj->n", a, W, c) for W, (a, c) in zip(net.W, pairwise(x), strict=True)]
    return torch.stack(alone + linked).sum(0)


def joint(net: Deep) -> Tensor:
    """−E of all states, a dimension a layer."""
    return minus_energy(net, every(net.sizes)).reshape([2**n for n in net.sizes])


def law(net: Deep) -> Tensor:
    """p(v) of every row of bits, by brute force."""
    return joint(net).flatten(1).logsumexp(1).softmax(0)


def place(x: Tensor) -> Tensor:
    """The number of each row of bits."""
    return (x.double() @ 2.0 ** torch.arange(x.shape[1] - 1, -1, -1).double()).long()


def bas() -> genviz.Data:
    return genviz.dataset("bars-and-stripes")


def on_bas(seed: int = 0, **knobs: Any) -> Run:
    data = bas()
    return Run(genviz.create("dbm", data, seed, **knobs), data, seed)


def model_of(run: Run) -> DBM:
    assert isinstance(run.model, DBM)
    return run.model


def small(sizes: list[int], std: float = 0.8) -> DBM:
    """A model of rows of so many bits, with the weights of `machine`."""
    rows = bits(sizes[0]).float()
    data = genviz.Data("all", rows, rows, genviz.model.Spec((sizes[0],), "binary"))
    hidden = dict(zip(("h1", "h2", "h3"), sizes[1:], strict=False))
    model = genviz.create("dbm", data, 0, **hidden)
    assert isinstance(model, DBM)
    model.net.load_state_dict(machine(sizes, std).state_dict())
    return model


# ---------------------------------------------------------------- 1: the constant


@pytest.mark.parametrize("sizes", SHAPES)
def test_listing_the_odd_layers_is_the_sum_over_all_states(sizes: list[int]) -> None:
    net, v = machine(sizes), bits(sizes[0])
    assert exact_log_z(net) == pytest.approx(joint(net).logsumexp(tuple(range(len(sizes)))).item(), abs=1e-10)
    torch.testing.assert_close(-net.free_energy(v), joint(net).flatten(1).logsumexp(1), rtol=0, atol=1e-10)
    model = small(sizes)
    torch.testing.assert_close(model.log_prob(v.float()).exp().double(), law(net), rtol=0, atol=1e-6)
    assert model.log_prob(v.float()).exp().sum().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(net.energy(every(sizes)), -minus_energy(net, every(sizes)), rtol=0, atol=1e-10)


def test_free_energies_of_many_rows_are_those_of_each() -> None:
    """More sums than are held at a time."""
    net, v = machine([6, 17, 2]), bits(6)
    torch.testing.assert_close(net.free_energy(v), torch.cat([net.free_energy(row[None]) for row in v]), rtol=0, atol=1e-9)


# ---------------------------------------------------------------- 2: conditionals


@pytest.mark.parametrize("sizes", SHAPES)
def test_a_unit_given_its_neighbours_is_what_the_energy_says(sizes: list[int]) -> None:
    net, x = machine(sizes), every(sizes)
    for i, layer in enumerate(x):
        for unit in range(sizes[i]):
            on, off = ([*x[:i], layer.clone(), *x[i + 1 :]] for _ in range(2))
            on[i][:, unit], off[i][:, unit] = 1, 0
            p = (minus_energy(net, on) - minus_energy(net, off)).sigmoid()
            torch.testing.assert_close(net.input(x, i).sigmoid()[:, unit], p, rtol=0, atol=1e-12)


# ---------------------------------------------------------------- 3: mean field


@pytest.mark.parametrize("sizes", SHAPES)
def test_the_bound_never_falls_and_stays_below_the_truth(sizes: list[int]) -> None:
    """Round by round, and within a round layer by layer; of known pixels alone, below what they are worth."""
    net, v, log_z = machine(sizes, 1.5), bits(sizes[0]), exact_log_z(machine(sizes, 1.5))
    exact = law(net).log()
    states = [*islice(net.settling(v), 30)]
    for before, after in pairwise(states):
        x = [*before]
        for i in range(1, net.top + 1):
            low, x[i] = net.free(x), net.input(x, i).sigmoid()
            assert (net.free(x) <= low + 1e-12).all()
        for mine, theirs in zip(x, after, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)
    bound = -net.free(states[-1]) - log_z
    assert (bound <= exact + 1e-10).all() and (exact - bound).max() > 1e-3
    missing = torch.arange(sizes[0]) < 2
    guesses = [-net.free(x, missing) - log_z for x in islice(net.settling(v, missing), 30)]
    assert all((b >= a - 1e-12).all() for a, b in pairwise(guesses))
    known = law(net).reshape([2] * sizes[0]).sum((0, 1)).log().flatten()[place(v[:, 2:])]
    assert (guesses[-1] <= known + 1e-10).all()


def test_without_a_second_layer_the_bound_is_the_truth() -> None:
    net, v = machine([4, 3, 3]), bits(4)
    net.W[1].zero_()
    torch.testing.assert_close(-net.free(net.settle(v, 1)) - exact_log_z(net), law(net).log(), rtol=0, atol=1e-10)


def test_settling_ends_when_nobody_moves_and_holds_what_it_is_told_to() -> None:
    net, v = machine([4, 3, 3]), bits(4)
    torch.testing.assert_close(net.settle(v, 1000, tol=1e-9)[1], net.settle(v, 1000)[1], rtol=0, atol=1e-7)
    assert torch.equal(net.settle(v, 1, tol=1e-9)[2], net.settle(v, 1)[2])
    top = bits(3)[[2] * len(v)]
    held = next(islice(net.settling(v, top=top), 3, None))
    assert torch.equal(held[2], top)
    torch.testing.assert_close(held[1], (net.b[1] + v @ net.W[0] + top @ net.W[1].T).sigmoid())
    cut = next(islice(net.settling(v, feedback=False), 3, None))
    torch.testing.assert_close(cut[1], (net.b[1] + v @ net.W[0]).sigmoid())


def test_more_draws_come_from_the_bound_to_the_truth() -> None:
    model = small([4, 3, 3], 1.5)
    v, rng = bits(4).float(), Rng(0, "draws")
    exact, bound = law(machine([4, 3, 3], 1.5)).log(), model.bound(v, rng).double()
    two = model.bound(v.repeat(2000, 1), rng, 2).double().reshape(2000, -1)
    error = two.std(0) / 2000**0.5
    assert (two.mean(0) <= exact + 5 * error).all() and (two.mean(0) >= bound - 5 * error).all()
    assert (exact - model.bound(v, rng, 4000).double()).abs().mean() < 0.1 * (exact - bound).mean()
    assert torch.equal(model.bound(v, Rng(1)), model.bound(v, Rng(2)))  # by mean field alone nothing is drawn


# ---------------------------------------------------------------- 4: the gradient


def test_an_update_with_exact_statistics_is_the_gradient() -> None:
    """With W2 = 0 mean field is exact; what the model does is the sum over all (v, h2), each as likely as it is."""
    net, rows = machine([4, 3, 3]), bits(4)[[1, 7, 12]]
    net.W[1].zero_()
    theta = {name: p.detach().clone() for name, p in net.named_parameters()}

    class MeanLogProb(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self) -> Tensor:
            j = joint(net).flatten(1).logsumexp(1)
            return j[place(rows)].mean() - j.logsumexp(0)

    whole = MeanLogProb()
    exact = grad(lambda values: functional_call(whole, values, ()))({f"net.{name}": p for name, p in theta.items()})
    p = joint(net).logsumexp(1).flatten().softmax(0)  # of (v, h2)
    states, found = [*bits(7).split([4, 3], 1)], {name: torch.zeros_like(t) for name, t in theta.items()}
    mu = net.settle(rows, 1)
    for n, share in enumerate(p):
        net.climb(mu, net.expected([states[0][n : n + 1], states[0][:0], states[1][n : n + 1]]), 1.0)
        for name, value in net.named_parameters():
            found[name] += share * (value - theta[name])
            value.copy_(theta[name])
    for name, value in found.items():
        torch.testing.assert_close(value, exact[f"net.{name}"], rtol=1e-5, atol=1e-9)


# ---------------------------------------------------------------- 5: a restricted machine inside


def test_without_a_second_layer_it_is_the_restricted_machine() -> None:
    net, rbm = machine([4, 3, 3]), Harmonium(4, 3).double()
    net.W[1].zero_()
    net.b[2].zero_()
    for mine, theirs in zip((rbm.W, rbm.b, rbm.c), (net.W[0], net.b[0], net.b[1]), strict=True):
        mine.copy_(theirs)
    assert exact_log_z(net) - 3 * math.log(2) == pytest.approx(exact_log_z(rbm), abs=1e-10)
    torch.testing.assert_close(law(net), (-rbm.free_energy(bits(4))).softmax(0), rtol=0, atol=1e-12)
    mine, theirs = net.draw_exactly(40_000, Rng(0)), rbm.mean(rbm.down(rbm.draw_exactly(40_000, Rng(1))))
    torch.testing.assert_close(mine.mean(0), theirs.mean(0), rtol=0, atol=0.01)
    torch.testing.assert_close(mine.T @ mine, theirs.T @ theirs, rtol=0.03, atol=40)


# ---------------------------------------------------------------- 6: chains


@pytest.mark.parametrize("sizes", SHAPES)
def test_chains_visit_rows_as_often_as_they_are_likely(sizes: list[int]) -> None:
    """2,000 chains, 100 sweeps after 100 to forget where they began; and the exact draws."""
    model = small(sizes)
    p, counts, drawn = law(machine(sizes)), torch.zeros(2 ** sizes[0]), torch.zeros(2 ** sizes[0])
    with looking(model) as rng:
        for state in islice(model.chain(2000, rng), 101, 201):
            counts += place(state.x).bincount(minlength=len(counts))
        for _ in range(20):
            drawn += place(rng.coins(model.sample(10_000, rng))).bincount(minlength=len(counts))
    for each in (counts, drawn):
        assert (each / each.sum() - p).abs().sum() / 2 < 0.02


def test_what_is_clamped_stays_and_the_rest_follows() -> None:
    model, p = small([4, 3, 3]), law(machine([4, 3, 3]))
    known = torch.tensor([1.0, math.nan, math.nan, 0.0])
    conditional = torch.where((bits(4)[:, [0, 3]] == torch.tensor([1.0, 0.0])).all(1), p, 0.0)
    with looking(model) as rng:
        *_, last = islice(model.chain(40_000, rng, clamp=known), 40)
    assert (last.x[:, [0, 3]] == known[[0, 3]]).all() and (last.aux["p"][:, [0, 3]] == known[[0, 3]]).all()
    shares = place(last.x).bincount(minlength=16) / len(last.x)
    assert (shares - conditional / conditional.sum()).abs().sum() / 2 < 0.02


def test_a_chain_begins_where_it_is_told_and_goes_on_from_its_own_fantasies() -> None:
    model = small([4, 3, 3], 0.5)
    net, x = model.net, bits(4).float()[[3, 9]]
    with looking(model) as rng:
        first, second = islice(model.chain(2, rng, x), 2)
        many = next(model.chain(20_000, rng, x[:1]))
        cut = next(islice(model.chain(1000, rng, x[:1]), 1, None))
    h1 = (net.b[1] + 2 * x @ net.W[0]).sigmoid()
    torch.testing.assert_close(first.aux["h"], h1)
    torch.testing.assert_close(many.aux["h2"].mean(0), (net.b[2] + h1 @ net.W[1]).sigmoid()[0], rtol=0, atol=0.02)
    assert torch.equal(first.x, x) and torch.equal(first.aux["p"], x) and (first.nfe, second.nfe) == (0, 1)
    torch.testing.assert_close(second.aux["p"], (net.b[0] + second.aux["h"] @ net.W[0].T).sigmoid())
    assert cut.x.shape == (1000, 4)
    run = on_bas(chains=5, pretrain=False)
    run.advance(steps=20)
    model = model_of(run)
    v, _, h2 = model.net.apart(model.fantasies, model.net.even)
    with looking(model) as rng:
        own = next(model.chain(5, rng))
        again = Rng(*rng.key[:1], *rng.key[1:])
    h = again.coins((model.net.b[1] + v @ model.net.W[0] + h2 @ model.net.W[1].T).sigmoid())
    assert torch.equal(own.aux["h"], h)


def test_a_chain_without_feedback_does_not_hear_the_top() -> None:
    model = small([4, 3, 3], 2.0)
    v = bits(4).float()[[5]]
    for feedback in (True, False):
        model.feedback = feedback
        with looking(model) as rng:
            first, second = islice(model.chain(20_000, rng, v), 2)
        above = first.aux["h2"] @ model.net.W[1].T if feedback else 0.0
        p = (model.net.b[1] + v @ model.net.W[0] + above).sigmoid().expand(20_000, -1)
        torch.testing.assert_close(second.aux["h"].mean(0), p.mean(0), rtol=0, atol=0.02)


# ---------------------------------------------------------------- 7: annealing


def test_annealing_without_links_is_exact_and_has_no_variance() -> None:
    net = machine([4, 3, 3])
    for theta in (*net.W, net.b[1]):
        theta.zero_()
    found = ais(net, Rng(0), temperatures=20, runs=50)
    assert found.log_w.std().item() < 1e-9
    assert found.log_z == pytest.approx(exact_log_z(net), abs=1e-9)


@pytest.mark.parametrize("sizes", SHAPES)
def test_the_way_of_annealing_is_the_sum_over_the_even_layers(sizes: list[int]) -> None:
    """f_β by brute force, its ends, and a step that leaves it as it is."""
    net, rng = machine(sizes), Rng(0, "anneal")
    odd, x = bits(net.listed), every(sizes)
    dims = [i for i in range(len(sizes)) if i % 2 == 0]

    def f(beta: float) -> Tensor:
        """log f of every state of the odd layers."""
        minus = beta * minus_energy(net, x) + (1 - beta) * (x[0] @ net.anchor)
        return minus.reshape([2**n for n in sizes]).logsumexp(dims).flatten()

    betas = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    for beta, found in zip(betas.tolist(), net.log_f(odd, betas), strict=True):
        torch.testing.assert_close(found, f(beta), rtol=0, atol=1e-10)
    start, log_z = net.base(1000, rng)
    assert log_z == pytest.approx(f(0.0).logsumexp(0).item(), abs=1e-10) and start.mean().item() == pytest.approx(0.5, abs=0.05)
    p = f(0.6).softmax(0)
    moved = net.anneal(odd[rng.categorical(p, 100_000)], 0.6, rng)
    assert (place(moved).bincount(minlength=len(p)) / 100_000 - p).abs().sum() / 2 < 0.01


# ---------------------------------------------------------------- 8: layers by themselves


def test_a_layer_alone_counts_double_what_will_come_from_both_sides() -> None:
    net, v, h = machine([4, 3, 3]), bits(4), bits(3)
    plain = Harmonium(4, 3).double()
    for mine, theirs in zip((plain.b, plain.c), (net.b[0], net.b[1]), strict=True):
        mine.copy_(theirs)
    plain.W.copy_(2 * net.W[0])
    torch.testing.assert_close(net.pair(1).rise(v), plain.up(v).sigmoid(), rtol=0, atol=1e-12)
    plain.W.copy_(net.W[0])
    torch.testing.assert_close(net.pair(1).fall(h), plain.down(h).sigmoid(), rtol=0, atol=1e-12)
    last, own = net.pair(2, torch.full((3,), 0.3).double()), torch.full((3,), 0.3).double().logit()
    torch.testing.assert_close(last.rise(h), (net.b[2] + h @ net.W[1]).sigmoid(), rtol=0, atol=1e-12)
    torch.testing.assert_close(last.fall(h), (own + 2 * h @ net.W[1].T).sigmoid(), rtol=0, atol=1e-12)
    middle = machine([3, 2, 3, 2]).pair(2, torch.full((2,), 0.5).double())
    assert (middle.up, middle.down) == (2, 2)


def test_a_middle_layer_learns_as_a_plain_machine_of_twice_its_weights() -> None:
    net, rng = machine([3, 2, 3, 2]), Rng(0, "middle")
    pair, plain = net.pair(2, torch.full((2,), 0.5).double()), Harmonium(2, 3).double()
    plain.W.copy_(2 * pair.W)
    plain.c.copy_(pair.c)
    x0, x = rng.uniform(5, 2).double(), rng.uniform(5, 2).double()
    p0, p = pair.rise(x0), pair.rise(x)
    torch.testing.assert_close(p0, plain.up(x0).sigmoid())
    pair.climb(x0, p0, x, p, 0.1)
    plain.climb([0.1 * step for step in plain.uphill(x0, p0, x, p)])
    for mine, theirs in ((2 * net.W[1], plain.W), (net.b[2], plain.c), (pair.b, plain.b)):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


# ---------------------------------------------------------------- the algorithm


def test_fit_does_what_the_sheet_says_stage_by_stage() -> None:
    """The whole of it once more, line by line, with the same draws."""
    run, T1, T = on_bas(4, greedy=15, joint=15, k=2, chains=20, h1=5, h2=4, lr=0.2), 15, 15
    model, data = model_of(run), bas()
    (W1, W2), (b, c1, c2) = ([theta.clone() for theta in part] for part in (model.net.W, model.net.b))
    v, h2 = model.fantasies.clone().split([9, 4], 1)
    rng, s = Rng(4, "fit"), torch.sigmoid
    batches = data.batches(model, rng)

    def cd(x0: Tensor, W: Tensor, low: Tensor, high: Tensor, up: int, down: int, t: int) -> None:
        p = p0 = s(high + up * x0 @ W)
        x = x0
        for _ in range(2):
            x = rng.coins(s(low + down * rng.coins(p) @ W.T))
            p = s(high + up * x @ W)
        eta = 0.1 * (1 - t / T1)
        W += eta * (x0.T @ p0 - x.T @ p) / len(x0)
        low += eta * (x0 - x).mean(0)
        high += eta * (p0 - p).mean(0)

    for t in range(T1):
        cd(rng.coins(next(batches).x), W1, b, c1, 2, 1, t)
    own = s(c1 + 2 * data.x @ W1).mean(0).clamp(0.05, 0.95).logit()
    for t in range(T1):
        x = rng.coins(next(batches).x)
        cd(rng.coins(s(c1 + 2 * x @ W1)), W2, own, c2, 1, 2, t)
    run.advance(steps=2 * T1)
    torch.testing.assert_close([*model.net.W], [W1, W2], rtol=1e-4, atol=1e-6)
    for t in range(T):
        x = rng.coins(next(batches).x)
        mu1 = s(c1 + 2 * x @ W1)
        mu2 = s(c2 + mu1 @ W2)
        for _ in range(10):
            mu1 = s(c1 + x @ W1 + mu2 @ W2.T)
            mu2 = s(c2 + mu1 @ W2)
        for _ in range(2):
            h1 = rng.coins(s(c1 + v @ W1 + h2 @ W2.T))
            v, h2 = rng.coins(s(b + h1 @ W1.T)), rng.coins(s(c2 + h1 @ W2))
        p1, eta = s(c1 + v @ W1 + h2 @ W2.T), 0.2 * (1 - t / T)
        W1 += eta * (x.T @ mu1 / 14 - v.T @ p1 / 20)
        W2 += eta * (mu1.T @ mu2 / 14 - p1.T @ h2 / 20)
        b += eta * (x.mean(0) - v.mean(0))
        c1 += eta * (mu1.mean(0) - p1.mean(0))
        c2 += eta * (mu2.mean(0) - h2.mean(0))
    run.advance(steps=T + 5)
    assert run.done and run.step == 2 * T1 + T
    for mine, theirs in zip((*model.net.W, *model.net.b), (W1, W2, b, c1, c2), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)
    assert torch.equal(model.fantasies, torch.cat([v, h2], 1))


def test_every_preset_ends_by_itself_after_its_steps() -> None:
    for name, preset in DBM.presets.items():
        model = genviz.create("dbm", genviz.dataset(preset.data or name, rows=200), 0, preset=name)
        assert isinstance(model, DBM)
        assert preset.steps == model.joint + (model.greedy * model.levels if model.pretrain else 0)


@pytest.mark.parametrize("knobs", [{}, {"h3": 4}, {"pretrain": False}])
def test_it_can_do_everything_at_each_step_of_each_stage(knobs: dict[str, Any]) -> None:
    run, x, phases = on_bas(greedy=3, joint=3, h1=5, h2=4, **knobs), bas().x, []
    while (step := run.tick()) is not None:
        phases.append(step.phase)
        model = model_of(run)
        with looking(model) as rng:
            exact, bound = model.log_prob(x), model.bound(x, rng)
            assert model.sample(5, rng).isfinite().all() and next(model.chain(5, rng)).x.shape == (5, 9)
            assert (bound <= exact + 1e-4).all() and model.encode(x).mean.shape == (14, sum(model.net.sizes[1:]))
        assert -8 < exact.mean() < -4
    layers = model_of(run).levels if model_of(run).pretrain else 0
    assert phases == [f"layer {i + 1}" for i in range(layers) for _ in range(3)] + ["joint"] * 3


def test_three_hidden_layers_learn_bars_and_stripes() -> None:
    run = on_bas(1, greedy=300, joint=1500, lr=0.3, h3=6)
    run.advance(steps=2400)
    figures = run.monitor()
    assert figures["test log-likelihood"] > -3.5 and 0 <= figures["gap"] < 0.1


# ---------------------------------------------------------------- in the browser


@pytest.mark.parametrize("sizes", SHAPES)
def test_client_programs_are_the_chain_and_the_energy_of_its_whole_state(sizes: list[int]) -> None:
    model = small(sizes)
    programs, tensors, x, rng = model.client(), model.state_dict(), bits(sizes[0]).float(), Rng(0)
    first, after = islice(model.chain(len(x), rng, x), 2)
    names = ["h" if i == 1 else f"h{i}" for i in range(1, len(sizes))]
    odd, even = [name for name in names if name in ("h", "h3")], [name for name in names if name == "h2"]
    coins = iter([*(after.aux[name] for name in odd), after.x, *(after.aux[name] for name in even)])
    state = torch.cat([first.x, *(first.aux[name] for name in even)], 1)
    end, registers = program(programs["gibbs"], tensors, state, coin=lambda p: next(coins))
    torch.testing.assert_close(registers["p"], after.aux["p"])
    assert torch.equal(end, torch.cat([after.x, *(after.aux[name] for name in even)], 1))
    assert torch.equal(registers["x"], after.x) and all(torch.equal(registers[n], after.aux[n]) for n in names)
    torch.testing.assert_close(registers["input"], model.net.input([first.x, first.aux["h"], first.aux["h2"]], 1))
    cold, _ = program(programs["gibbs"], tensors, state, beta=1e6, coin=torch.round)
    assert torch.equal(cold, cold.round())
    pairs = joint(machine(sizes)).logsumexp([i for i in range(len(sizes)) if i % 2]).flatten()
    every_state = bits(sizes[0] + sizes[2]).float()
    energy, _ = program(programs["energy"], tensors, every_state)
    torch.testing.assert_close(energy[:, 0].double(), -pairs, rtol=1e-4, atol=1e-4)
    risen, registers = program(programs["rise"], tensors, x)
    passed = model.net.rise(x)
    torch.testing.assert_close(risen, torch.cat([x, *passed[2::2]], 1))
    torch.testing.assert_close(registers["h"], passed[1])
    _, registers = program(programs["says"], tensors, x)
    settled = dict(zip(["v", *names], model.net.settle(x, model.settle), strict=True))
    for name, mean in settled.items():
        torch.testing.assert_close(registers[name], mean)


# ---------------------------------------------------------------- what is told, what cannot be


def test_figures_are_those_of_the_listed_states() -> None:
    run = on_bas(pretrain=False, h1=4, h2=3)
    run.advance(steps=300)
    model, figures = model_of(run), run.monitor()
    exact = law(model.net.double())[place(bas().x)].log().mean().item()
    model.float()
    assert figures["test log-likelihood"] == pytest.approx(exact, abs=1e-4)
    assert figures["gap"] == pytest.approx(exact - figures["test bound"], abs=1e-4) and 0 <= figures["gap"] < 0.1
    assert figures["annealed log-likelihood"] == pytest.approx(exact, abs=0.2) and figures["effective runs"] > 10
    with looking(model) as rng:
        assert model.bound(bas().x, rng).mean().item() == pytest.approx(figures["test bound"], abs=1e-4)


def test_the_constant_is_found_once_for_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = genviz.dataset("digits", rows=60)
    model, calls = genviz.create("dbm", digits, h1=21, h2=4), []
    assert isinstance(model, DBM)
    monkeypatch.setattr("genviz.metrics.partition.ais", lambda *a, **k: calls.append(1) or ais(model.net, Rng(0), 20, 20))
    x = digits.binarized("threshold")
    assert torch.equal(model.bound(x, Rng(0)), model.bound(x, Rng(1))) and calls == [1]
    model.net.b[0].add_(0.1)
    model.bound(x, Rng(0))
    assert calls == [1, 1]


def test_above_ten_units_an_energy_is_what_mean_field_finds() -> None:
    data = bas()
    for h1, near in ((10, 1e-5), (11, 2.0)):
        model = genviz.create("dbm", data, h1=h1)
        assert isinstance(model, DBM)
        for W in model.net.W:
            W.copy_(0.8 * Rng(0, "W").normal(*W.shape))
        slack = model.energy(data.x) - model.net.free_energy(data.x)
        assert (slack >= -1e-4).all() and (slack.max() > 0.1) == (h1 > 10) and slack.max() < near
    assert "exact if h1 has at most 10 units" in (DBM.energy.__doc__ or "")


def test_what_would_cost_too_much_is_refused_with_its_cost() -> None:
    data = genviz.dataset("digits", rows=60)
    model = genviz.create("dbm", data)
    assert isinstance(model, DBM)
    with pytest.raises(BadInput, match=r"2\^64 states of 64 units, about 558,\d+ years: at most 20"):
        model.log_prob(data.binarized("threshold"))
    with pytest.raises(BadInput, match=r"x holds 0\.\d+ at row 0, column 2: give bits"):
        model.log_prob(data.x)


def test_real_numbers_and_layers_of_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="has bits, these data are real numbers"):
        genviz.create("dbm", genviz.dataset("moons", rows=60))
    for knob in ("h1", "h2"):
        with pytest.raises(BadInput, match=f"{knob} = 0 is outside 1"):
            DBM.validate({knob: 0})
    with pytest.raises(BadInput, match=r"level = 3: this machine has hidden layers 1 … 2"):
        model_of(on_bas()).features(3)


def test_grey_pixels_are_tossed_and_have_no_figures() -> None:
    digits = genviz.dataset("digits", rows=60)
    run = Run(genviz.create("dbm", digits, binarize="none"), digits)
    step = run.tick()
    assert step is not None and set(step.show["x"].unique().tolist()) == {0.0, 1.0}
    assert run.monitor() == {}
    assert not torch.equal(model_of(run).bound(digits.x, Rng(0)), model_of(run).bound(digits.x, Rng(1)))


@pytest.mark.parametrize("feedback", [True, False])
def test_a_film_of_settling_says_of_the_bound_what_it_does(feedback: bool) -> None:
    """It never falls while layers hear each other; with the feedback cut it does, and the words are others."""
    run = on_bas(greedy=1500, joint=2500, feedback=feedback)
    run.advance(steps=10**6)
    net, fell, frames, panes = model_of(run).net, [], [], {}
    for point in range(14):
        frames = [*film("settling", model_of(run), bas(), Shoot(point=point))]
        panes = {pane.name: pane for pane in frames[-1][1].panes}
        curve = next(layer.xy[:, 1] for layer in panes["rising"].layers if layer.name == "bound")  # pyright: ignore
        once = next(net.settling(bas().x[point : point + 1]))
        assert curve[0].item() == pytest.approx(-net.free(once).item(), abs=1e-5)
        fell.append(bool((curve.diff() < -1e-4).any()))
    words = " ".join([frames[3][0], *(pane.reads for pane in panes.values())])
    assert any(fell) != feedback
    assert ("It never falls" in words) == ("has heard the one above 3 times" in words) == feedback
    assert ("It may fall" in words) == ("no layer hears the one above" in words) == (not feedback)
    assert "make up their mind" in words if feedback else "changes nothing below" in words
    assert "from its neighbours" in panes["settling"].how if feedback else "the layer below alone" in panes["settling"].how
