"""Section 7 of the RBM's sheet, item by item."""

import math
from dataclasses import replace
from itertools import islice, product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad
from torch.nn.functional import cosine_similarity, softplus

import genviz
from genviz.metrics.partition import exact_log_z
from genviz.model import BadInput, Spec
from genviz.models.energy.harmonium import LOG_S2, Harmonium
from genviz.models.energy.rbm import RBM
from genviz.nets import falling
from genviz.rng import Rng
from genviz.run import Run, looking


def bits(n: int) -> Tensor:
    """Every row of n bits."""
    return torch.tensor(list(product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def machine(d: int, m: int, std: float = 0.7, sigma: float = 0.0, seed: int = 0, learn_sigma: bool = False) -> Harmonium:
    """Random weights and biases, in float64."""
    rng, net = Rng(seed, "machine"), Harmonium(d, m, sigma=sigma, learn_sigma=learn_sigma)
    for theta in (net.W, net.b, net.c):
        theta.copy_(std * rng.normal(*theta.shape))
    return net.double()


def law(net: Harmonium) -> Tensor:
    """p(v) of every row of bits, by the sum over both layers."""
    v, h = bits(len(net.b)), bits(len(net.c))
    joint = (v @ net.b)[:, None] + h @ net.c + v @ net.W @ h.T
    return joint.logsumexp(1).softmax(0)


def bas() -> genviz.Data:
    return genviz.dataset("bars-and-stripes")


def on_bas(seed: int = 0, **knobs: Any) -> Run:
    data = bas()
    return Run(genviz.create("rbm", data, seed, preset="bars-and-stripes", **knobs), data, seed)


def model_of(run: Run) -> RBM:
    assert isinstance(run.model, RBM)
    return run.model


def wide(run: Run, std: float = 0.5) -> RBM:
    """The run's model with weights N(0, std²) and no biases."""
    model = model_of(run)
    model.net.W.copy_(std * Rng(7, "wide").normal(*model.net.W.shape))
    model.net.b.zero_()
    return model


# ---------------------------------------------------------------- 1: energies


def test_free_energy_is_what_the_hidden_layer_leaves() -> None:
    net, v, h = machine(5, 4), bits(5), bits(4)
    pairs = torch.stack([net.energy(v, row.expand(len(v), -1)) for row in h], 1)
    plain = -(v @ net.b)[:, None] - h @ net.c - v @ net.W @ h.T
    torch.testing.assert_close(pairs, plain, rtol=0, atol=1e-12)
    torch.testing.assert_close(net.free_energy(v), -(-plain).logsumexp(1), rtol=0, atol=1e-12)
    assert (-net.free_energy(v)).logsumexp(0).item() == pytest.approx(exact_log_z(net), abs=1e-10)


def test_probabilities_of_all_rows_sum_to_one() -> None:
    for knobs in ({}, {"hidden": 12}, {"hidden": 5}):  # the visible layer is listed, or the hidden one
        run = on_bas(**knobs)
        run.advance(steps=50)
        model = model_of(run).double()
        torch.testing.assert_close(model.log_prob(bits(9)).exp(), law(model.net), rtol=0, atol=1e-10)


# ---------------------------------------------------------------- 2: gradients


def exact_gradient(net: Harmonium, rows: Tensor) -> dict[str, Tensor]:
    """That of the mean log p of the rows, by autograd through the sum over all states."""
    every = bits(len(net.b)).to(net.W.dtype)

    def mean_log_prob(theta: dict[str, Tensor]) -> Tensor:
        def free(x: Tensor) -> Tensor:
            return -(x @ theta["b"]) - softplus(theta["c"] + x @ theta["W"]).sum(1)

        return -free(rows).mean() - (-free(every)).logsumexp(0)

    return grad(mean_log_prob)({name: net.get_parameter(name).detach() for name in "Wbc"})


def test_the_exact_difference_of_statistics_is_the_gradient() -> None:
    net, rows = machine(5, 4), bits(5)[[1, 7, 30]]
    every, p = bits(5), law(net)
    weighted = every * p[:, None] * len(every)  # an average over all rows weighs them alike
    found = net.uphill(rows, net.up(rows).sigmoid(), every, net.up(every).sigmoid())
    positive = net.up(rows).sigmoid()
    model = [weighted.T @ net.up(every).sigmoid() / len(every), weighted.mean(0), p @ net.up(every).sigmoid()]
    exact = exact_gradient(net, rows)
    data = [rows.T @ positive / len(rows), rows.mean(0), positive.mean(0)]
    plain = [every.T @ net.up(every).sigmoid() / len(every), every.mean(0), net.up(every).sigmoid().mean(0)]
    for a, b, c, it, name in zip(data, model, plain, found, "Wbc", strict=True):
        torch.testing.assert_close(a - b, exact[name], rtol=0, atol=1e-10)
        torch.testing.assert_close(it, a - c, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.0, 0.6])
def test_statistics_are_the_slope_of_the_free_energy(sigma: float) -> None:
    """Between two sets of rows, by autograd and by finite differences; real units scale by σ² what W and b get."""
    net, rng = machine(4, 3, sigma=sigma, learn_sigma=sigma > 0), Rng(1, "rows")
    a, b = (rng.normal(6, 4).double() if sigma else bits(4)[rng.integers(0, 16, 6)] for _ in range(2))

    class Gap(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self) -> Tensor:
            return self.net.free_energy(b).mean() - self.net.free_energy(a).mean()

    gap = Gap()
    theta = {name: p.detach() for name, p in gap.named_parameters()}
    slopes = grad(lambda values: functional_call(gap, values, ()))(theta)
    found = dict(zip(theta, net.uphill(a, net.up(a).sigmoid(), b, net.up(b).sigmoid()), strict=True))
    scale = {"net.W": net.s2, "net.b": net.s2, "net.c": 1.0, "net.log_s2": 0.1}
    for name, slope in slopes.items():
        torch.testing.assert_close(found[name], slope * scale[name], rtol=1e-6, atol=1e-9)
        nudge = {**theta, name: theta[name].clone()}
        nudge[name].view(-1)[0] += 1e-6
        rise = (functional_call(gap, nudge, ()) - gap()).item() / 1e-6
        assert rise == pytest.approx(slope.reshape(-1)[0].item(), abs=1e-4)


# ---------------------------------------------------------------- 3: long chains, short chains


def first_step(k: int, times: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What one step of CD-k from the data, lr = 1, adds to weights N(0, 0.5²), and the exact gradient there.

    4,088 chains, as many from each of the fourteen rows, so that the data's part is exact; the mean of so many runs.
    """
    data, added, exact = replace(bas(), x=bas().x.repeat(292, 1)), [], {}
    for seed in range(times):
        run = Run(genviz.create("rbm", data, seed, preset="cd-1", k=k, batch=4088, lr=1.0, decay=0), data, seed)
        model = wide(run)
        before, exact = {name: model.net.get_parameter(name).clone() for name in "Wbc"}, exact_gradient(model.net, bas().x)
        run.advance(steps=1)
        added.append({name: model.net.get_parameter(name) - before[name] for name in "Wbc"})
    return {name: torch.stack([step[name] for step in added]).mean(0) for name in "Wbc"}, exact


def test_contrastive_divergence_comes_to_the_exact_gradient_as_its_chains_grow() -> None:
    """CD-1 points uphill but is not the gradient; after 300 sweeps, 49,056 chains from the data are within 3 % of it."""
    errors: dict[str, list[float]] = {name: [] for name in "Wbc"}
    cosines: dict[str, list[float]] = {name: [] for name in "Wbc"}
    for k in (1, 2, 300):
        added, exact = first_step(k, 12)
        for name in "Wbc":
            errors[name].append(((added[name] - exact[name]).norm() / exact[name].norm()).item())
            cosines[name].append(cosine_similarity(added[name].double().flatten(), exact[name].double().flatten(), 0).item())
    for name in "Wbc":
        one, two, long = errors[name]
        assert one > 0.1 and one > two > long and long < 0.03, (name, errors[name])
        one, two, long = cosines[name]
        assert 0 < one < two < long, (name, cosines[name])


def test_persistent_chains_that_start_anywhere_come_to_the_exact_gradient() -> None:
    """50,000 chains of 30 sweeps from coins, all fourteen rows: what one step of `fit` adds to the weights."""
    run = on_bas(chains=50_000, k=30, lr=1.0, decay=0)
    model = wide(run)
    exact, before = exact_gradient(model.net, bas().x), {name: model.net.get_parameter(name).clone() for name in "Wbc"}
    run.advance(steps=1)
    for name in "Wbc":
        added = model.net.get_parameter(name) - before[name]
        assert (added - exact[name]).norm() < 0.03 * exact[name].norm(), name


# ---------------------------------------------------------------- 4: chains


def test_block_gibbs_leaves_the_law_as_it_is_and_is_reversible() -> None:
    net, v, h, p = machine(5, 4), bits(5), bits(4), law(machine(5, 4))
    up, down = net.up(v).sigmoid(), net.mean(net.down(h))
    h_given_v = (h[None] * up[:, None] + (1 - h[None]) * (1 - up[:, None])).prod(2)
    v_given_h = (v[None] * down[:, None] + (1 - v[None]) * (1 - down[:, None])).prod(2)
    move = h_given_v @ v_given_h
    torch.testing.assert_close(p @ move, p, rtol=0, atol=1e-10)
    flow = p[:, None] * move
    torch.testing.assert_close(flow, flow.T, rtol=0, atol=1e-10)


def place(x: Tensor) -> Tensor:
    """The number of each row of bits."""
    return (x.double() @ 2.0 ** torch.arange(x.shape[1] - 1, -1, -1).double()).long()


def near(x: Tensor, p: Tensor) -> bool:
    """Whether the shares of the rows are those probabilities, within five standard errors."""
    found = place(x).bincount(minlength=len(p)) / len(x)
    return bool(((found - p).abs() <= 5 * (p * (1 - p) / len(x)).sqrt() + 1e-4).all())


def small() -> RBM:
    run = on_bas()
    wide(run, std=1.0)
    return model_of(run)


def test_the_chain_stays_in_the_law_and_samples_are_drawn_from_it() -> None:
    model, n, rng = small(), 40_000, Rng(3, "chain")
    p = law(model.double().net)
    model.float()
    start = bits(9)[rng.categorical(p, n)].float()
    with looking(model):
        *_, last = islice(model.chain(n, rng, start), 4)
        assert near(last.x, p) and not torch.equal(last.x, start)
        assert near(rng.coins(model.sample(n, rng)), p)
        model.fantasies = (rng.uniform(100, 9) < 0.5).float()
        *_, far = islice(model.chain(n, rng), 40)  # from the fantasies, long enough to forget them
        assert near(far.x, p)
        torch.testing.assert_close(rng.coins(far.aux["p"]).mean(0), far.x.mean(0), rtol=0, atol=0.01)


def test_samples_after_many_sweeps_are_those_drawn_exactly() -> None:
    data = genviz.dataset("digits", rows=100)
    model = genviz.create("rbm", data, 0, preset="digits", hidden=13, sweeps=60)
    assert isinstance(model, RBM)
    model.net.W.copy_(0.4 * Rng(0, "W").normal(64, 13))
    rng = Rng(0, "sample")
    with looking(model):
        chained, exact = model.sample(4000, rng), model.net.mean(model.net.down(model.net.draw_exactly(4000, rng)))
    error = ((chained.var(0) + exact.var(0)) / 4000).sqrt()
    assert ((chained.mean(0) - exact.mean(0)).abs() < 5 * error).all()


def test_clamped_values_stay_and_the_others_follow_them() -> None:
    model, n, rng = small(), 20_000, Rng(4, "clamp")
    p = law(model.double().net)
    model.float()
    known = torch.full((9,), math.nan)
    known[:3] = torch.tensor([1.0, 0.0, 1.0])
    conditional = torch.where((bits(9)[:, :3] == known[:3]).all(1), p, 0.0)
    with looking(model):
        *_, last = islice(model.chain(n, rng, clamp=known), 40)
    assert (last.x[:, :3] == known[:3]).all() and (last.aux["p"][:, :3] == known[:3]).all()
    assert near(last.x, conditional / conditional.sum())


def test_a_chain_begins_where_it_is_told_and_pays_for_each_sweep() -> None:
    model, rng = small(), Rng(5, "begin")
    x = bas().x[:4]
    with looking(model):
        states = list(islice(model.chain(4, rng, x), 3))
        own = next(model.chain(300, rng))
    assert [state.nfe for state in states] == [0, 1, 1]
    assert torch.equal(states[0].x, x) and torch.equal(states[0].aux["p"], x)
    torch.testing.assert_close(states[0].aux["h"], model.net.up(x).sigmoid())
    torch.testing.assert_close(states[1].aux["p"], model.net.mean(model.net.down(states[1].aux["h"])))
    assert torch.equal(own.aux["h"], model.fantasies.repeat(3, 1))


# ---------------------------------------------------------------- 6: real-valued units


def grid(net: Harmonium, reach: float = 6.0, side: int = 601) -> tuple[Tensor, float]:
    line = torch.linspace(-reach, reach, side, dtype=torch.float64)
    return torch.cartesian_prod(line, line), (2 * reach / (side - 1)) ** 2


def test_the_gaussian_constant_is_the_integral_over_the_plane() -> None:
    net = machine(2, 4, sigma=0.5)
    points, cell = grid(net)
    assert (-net.free_energy(points)).logsumexp(0).item() + math.log(cell) == pytest.approx(exact_log_z(net), abs=1e-3)


def test_the_gaussian_density_is_a_mixture_of_all_hidden_states() -> None:
    """In raw units, far from standard ones; components, density, score and samples of one and the same mixture."""
    moons = genviz.dataset("moons", rows=400)
    data = replace(moons, x=moons.x * torch.tensor([5.0, 0.6]) + torch.tensor([20.0, -3.0]), density=None)
    model = genviz.create("rbm", data, 3, preset="moons", hidden=6)
    assert isinstance(model, RBM)
    Run(model, data, 3).advance(steps=300)
    model, x = model.double(), data.x[:50].double()
    weights, means, h = model.components()
    assert len(weights) == 64 and torch.equal(h, bits(6))
    std = model.net.s2**0.5 * model.units.scale

    def mixture(x: Tensor) -> Tensor:
        normal = torch.distributions.Normal(means, std)
        return (normal.log_prob(x[:, None]).sum(2) + weights.log()).logsumexp(1)

    torch.testing.assert_close(model.log_prob(x), mixture(x), rtol=0, atol=1e-8)
    slope = torch.func.vmap(grad(lambda row: mixture(row[None])[0]))(x)
    torch.testing.assert_close(model.score(x), slope, rtol=1e-6, atol=1e-8)
    model.float()
    with looking(model) as rng:
        drawn, n = model.sample(100_000, rng), 100_000
        *_, chained = islice(model.chain(n, rng, start=drawn), 3)
    centre = weights @ means
    spread = (weights @ means.square() - centre.square() + std**2).sqrt()
    edges = centre[:, None] + spread[:, None] * torch.linspace(-2.5, 2.5, 20, dtype=torch.float64)  # 21 × 21 cells
    below = torch.distributions.Normal(means, std).cdf(edges.T[:, None])  # (edges, components, 2)
    inside = torch.cat([below, torch.ones_like(below[:1])]).diff(dim=0, prepend=torch.zeros_like(below[:1]))
    expected = n * torch.einsum("k,ik,jk->ij", weights, inside[..., 0], inside[..., 1]).flatten()
    assert expected.sum().item() == pytest.approx(n)
    for rows in (drawn, chained.x):  # each row is independent of the others; χ² over the cells, the thin ones as one
        i, j = (torch.bucketize(rows[:, axis].double(), edges[axis]) for axis in (0, 1))
        counts = (21 * i + j).bincount(minlength=441).double()
        thin = expected < 10
        seen, due = (torch.cat([cells[~thin], cells[thin].sum()[None]]) for cells in (counts, expected))
        chi2, freedom = ((seen - due).square() / due).sum().item(), len(due) - 1
        assert freedom > 150 and abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)


def test_a_learned_sigma_finds_that_of_the_data() -> None:
    """Two narrow blobs a distance apart, one unit to choose between them: σ falls from 0.8 standard deviations to theirs."""
    rng = Rng(0, "blobs")
    x = torch.cat([rng.normal(500, 1) * 0.2 - 1, rng.normal(500, 1) * 0.2 + 1])
    data = genviz.Data("blobs", x, x[:10], Spec((1,)))
    knobs = {"hidden": 1, "sigma": 0.8, "learn_sigma": True, "init": 1.0, "k": 1, "lr": 0.1, "decay": 0}
    model = genviz.create("rbm", data, 0, preset="8gaussians", **knobs)
    assert isinstance(model, RBM)
    Run(model, data).advance(steps=1200)
    assert model.net.s2**0.5 * model.units.scale == pytest.approx(0.2, rel=0.2)


# ---------------------------------------------------------------- 7: symmetries


def test_names_of_hidden_units_and_of_the_two_values_do_not_matter() -> None:
    net, p = machine(5, 4), law(machine(5, 4))
    net.W.copy_(net.W[:, [2, 0, 3, 1]])
    net.c.copy_(net.c[[2, 0, 3, 1]])
    torch.testing.assert_close((-net.free_energy(bits(5))).softmax(0), p, rtol=0, atol=1e-12)
    i = 2  # v_i becomes 1 - v_i
    net.c.add_(net.W[i])
    net.W[i] *= -1
    net.b[i] *= -1
    flipped = bits(5)
    flipped[:, i] = 1 - flipped[:, i]
    torch.testing.assert_close((-net.free_energy(flipped)).softmax(0), p, rtol=0, atol=1e-12)


# ---------------------------------------------------------------- 8: the algorithms


@pytest.mark.parametrize("algorithm", ["cd", "pcd", "fpcd", "pt"])
def test_equal_seeds_give_equal_weights(algorithm: str) -> None:
    runs = [on_bas(seed, algorithm=algorithm, k=2, momentum=0.3) for seed in (1, 1, 2)]
    for run in runs:
        run.advance(steps=30)
    a, b, c = (model_of(run).net.W for run in runs)
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_tempering_with_one_temperature_is_persistent_contrastive_divergence() -> None:
    """Not in law alone: from the same chains, bit for bit."""
    plain, tempered = on_bas(k=2), on_bas(algorithm="pt", temperatures=1, k=2)
    model_of(tempered).net.load_state_dict(model_of(plain).net.state_dict())
    model_of(tempered).fantasies[0, :, 9:] = model_of(plain).fantasies
    for run in (plain, tempered):
        run.advance(steps=50)
    assert torch.equal(model_of(plain).net.W, model_of(tempered).net.W)
    assert torch.equal(model_of(plain).fantasies, model_of(tempered).fantasies[0, :, 9:])


def test_tempered_replicas_of_any_temperature_keep_their_law() -> None:
    model, rng, n = small(), Rng(6, "pt"), 40_000
    net, tempering, v = model.net, model.net.tempering(3), bits(9).float()
    joint = -torch.stack([net.energy(v, h.expand(512, -1)) for h in bits(9).float()], 1).flatten()  # of all (v, h)
    laws = [(beta * joint.double()).softmax(0) for beta in tempering.betas.tolist()]
    start = [divmod(rng.categorical(p, n).numpy(), 512) for p in laws]
    states = torch.stack([torch.cat([v[torch.from_numpy(a)], v[torch.from_numpy(b)]], 1) for a, b in start])
    for _ in range(2):
        states = tempering.step(states, rng)
    for p, replica in zip(laws, states, strict=True):
        assert near(replica[:, :9], p.view(512, 512).sum(1)) and near(replica[:, 9:], p.view(512, 512).sum(0))
    assert torch.equal(net.coldest(states)[0], states[-1, :, :9])


BOXES: dict[str, dict[str, Any]] = {
    "cd": {"algorithm": "cd", "momentum": 0.5, "k": 2},
    "pcd": {"weight_decay": 0.01, "chains": 30},
    "fpcd": {"algorithm": "fpcd", "fast": 0.7, "k": 2},
}


@pytest.mark.parametrize("case", BOXES)
def test_fit_does_what_the_box_of_the_paper_says(case: str) -> None:
    """The box once more, line by line, with the same draws."""
    run, steps = on_bas(4, decay=40, **BOXES[case]), 25
    model = model_of(run)
    W, b, c = (model.net.get_parameter(name).clone() for name in "Wbc")
    kept, rng = model.fantasies.clone(), Rng(4, "fit")
    fast, velocity = torch.zeros_like(W), [torch.zeros_like(theta) for theta in (W, b, c)]
    for t, (v0, *_) in enumerate(islice(bas().batches(model, rng), steps)):
        eta, ph = 0.1 * (1 - t / 40), torch.sigmoid(v0 @ W + c)
        v, pn, h = v0, ph, rng.coins(ph) if case == "cd" else kept
        for sweep in range(model.k):
            v = rng.coins(torch.sigmoid(h @ (W + fast).T + b))
            pn = torch.sigmoid(v @ (W + fast) + c)
            h = rng.coins(pn) if case != "cd" or sweep + 1 < model.k else h  # nobody needs the last one of CD
        kept = kept if case == "cd" else h
        dW = v0.T @ ph / len(v0) - v.T @ pn / len(v) - model.weight_decay * W
        gradient = [dW, v0.mean(0) - v.mean(0), ph.mean(0) - pn.mean(0)]
        velocity = [model.momentum * old + eta * new for old, new in zip(velocity, gradient, strict=True)]
        W, b, c = (theta + step for theta, step in zip((W, b, c), velocity, strict=True))
        fast = 19 / 20 * fast + model.fast * dW if case == "fpcd" else fast
    run.advance(steps=steps)
    for name, theta in zip("Wbc", (W, b, c), strict=True):
        torch.testing.assert_close(model.net.get_parameter(name), theta, rtol=1e-4, atol=1e-6)
    assert torch.equal(model.fantasies, kept)


def test_the_step_size_falls_as_it_is_told() -> None:
    at = (0, 50, 60, 80, 100, 200)
    assert [falling(0.4, t, 0) for t in at] == [0.4] * 6
    assert [falling(0.4, t, 100) for t in at] == pytest.approx([0.4, 0.2, 0.16, 0.08, 0.0, 0.0])
    assert [falling(0.4, t, 100, hold=0.6) for t in at] == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.0, 0.0])
    run = on_bas(decay=20, hold=0.5, lr=1.0)
    run.advance(steps=20)
    rested = model_of(run).net.W.clone()
    run.advance(steps=3)
    assert torch.equal(rested, model_of(run).net.W)


def test_weight_decay_pulls_weights_and_no_biases() -> None:
    """Rows and fantasies alike: nothing else is left to move the weights."""
    data = replace(bas(), x=torch.ones(20, 9))
    run = Run(genviz.create("rbm", data, 0, preset="bars-and-stripes", weight_decay=0.1, lr=0.5, decay=0), data)
    model = model_of(run)
    model.net.b.fill_(100.0)  # every fantasy is full as well
    model.net.W.fill_(2.0)
    model.net.c.fill_(100.0)
    run.advance(steps=1)
    torch.testing.assert_close(model.net.W, torch.full((9, 9), 2.0 * 0.95))
    assert (model.net.b == 100).all()


# ---------------------------------------------------------------- learning by hand


def test_one_lesson_is_the_difference_of_two_sets_of_rows() -> None:
    run = on_bas(lr=0.2)
    model = wide(run)
    before = {name: model.net.get_parameter(name).clone() for name in "Wbc"}
    data, dream = bas().x[[3, 4]], bas().x[[9]]
    p, q = model.net.up(data).sigmoid(), model.net.up(dream).sigmoid()
    run.edit("learn_once", data=data.tolist(), dream=dream[0].tolist())  # rows, or a single one
    torch.testing.assert_close(model.net.W, before["W"] + 0.2 * (data.T @ p / 2 - dream.T @ q))
    torch.testing.assert_close(model.net.b, before["b"] + 0.2 * (data.mean(0) - dream[0]))
    torch.testing.assert_close(model.net.c, before["c"] + 0.2 * (p.mean(0) - q[0]))
    logged = on_bas()
    logged.advance(steps=2)
    logged.edit("learn_once", data=data.tolist(), dream=dream.tolist())
    logged.advance(steps=2)
    assert torch.equal(model_of(logged.replay()).net.W, model_of(logged).net.W)
    assert not torch.equal(model_of(logged).net.W, model_of(logged.fork(2)).net.W)


LESSONS: dict[str, tuple[Any, str]] = {
    "no list": ("seven", "data: give a row of 9 numbers"),
    "words": ([["a"] * 9], "data: give a row of 9 numbers"),
    "nothing": (None, "data: give a row of 9 numbers"),
    "ragged": ([[0] * 9, [1] * 8], "data: give a row of 9 numbers"),
    "empty": ([], "data has 0 columns, the model was built for 9"),
    "too short": ([1.0, 0.0], "data has 2 columns, the model was built for 9"),
    "too deep": ([[[1.0] * 9]], "data has shape"),
    "too large": ([0.0] * 8 + [2.0], "data holds 2 at row 0, column 8"),
    "no number": ([0.0] * 8 + [math.nan], "data holds nan at row 0, column 8"),
}


@pytest.mark.parametrize("case", LESSONS)
def test_a_lesson_of_nonsense_is_refused_in_words_and_changes_nothing(case: str) -> None:
    given, says = LESSONS[case]
    run = on_bas()
    before = model_of(run).net.W.clone()
    with pytest.raises(BadInput, match=says):
        run.model.learn_once(given, [0.0] * 9)  # pyright: ignore[reportCallIssue]
    assert torch.equal(model_of(run).net.W, before)


# ---------------------------------------------------------------- what cannot be


def test_what_would_cost_too_much_is_refused_with_its_cost() -> None:
    data = genviz.dataset("digits", rows=100)
    model = model_of(Run(genviz.create("rbm", data, preset="digits"), data))
    with pytest.raises(BadInput, match=r"2\^64 states of 64 units, about 558,\d+ years: at most 20"):
        model.log_prob(data.binarized("threshold"))
    with pytest.raises(BadInput, match="at most 12 hidden units"):
        model.components()


def test_grey_pixels_have_no_probability() -> None:
    run = on_bas()
    with pytest.raises(BadInput, match=r"x holds 0.5 at row 1, column 4: give bits"):
        model_of(run).log_prob(torch.tensor([[0.0] * 9, [0.0] * 4 + [0.5] + [1.0] * 4]))
    digits = genviz.dataset("digits", rows=60)
    grey = Run(genviz.create("rbm", digits, preset="digits", binarize="none"), digits)
    grey.advance(steps=3)
    assert grey.monitor() == {}


@pytest.mark.parametrize(
    ("data", "knobs", "says"),
    [
        ("moons", {"binarize": "threshold"}, "binarize = threshold .* real numbers, leave it at none"),
        ("moons", {"algorithm": "pt"}, "algorithm = pt: .* take cd, pcd or fpcd"),
        ("digits", {"learn_sigma": True}, "learn_sigma = True: bits have no sigma"),
    ],
)
def test_knobs_that_make_no_sense_are_refused(data: str, knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        genviz.create("rbm", genviz.dataset(data, rows=60), **knobs)


def test_bits_have_no_score() -> None:
    with pytest.raises(BadInput, match="bits have none"):
        model_of(on_bas()).score(bas().x)


def test_rows_that_cannot_be_are_named() -> None:
    run = on_bas()
    for clamp, says in (
        (torch.zeros(8), r"clamp has shape \(8,\): give 9 finite values"),
        (torch.tensor([math.nan] + [3.0] * 8), "clamp holds 3 at row 0"),
        (torch.tensor([math.nan] + [math.inf] * 8), "clamp holds a value that is not finite"),
        (torch.zeros(9), "clamp leaves nothing free"),
    ):
        with pytest.raises(BadInput, match=says):
            next(model_of(run).chain(2, Rng(0), clamp=clamp))
    with pytest.raises(BadInput, match="start holds 2 at row 0"):
        next(model_of(run).chain(1, Rng(0), start=torch.full((1, 9), 2.0)))


# ---------------------------------------------------------------- what is told while it trains


def test_exact_figures_are_those_of_the_listed_states() -> None:
    run = on_bas()
    run.advance(steps=400)
    model, figures = model_of(run), run.monitor()
    p = law(model.double().net)
    rows = bas().x.double()
    assert figures["test log-likelihood"] == pytest.approx(p[place(rows)].log().mean().item(), abs=1e-5)
    assert figures["train-test gap"] == 0.0 and "effective runs" not in figures
    flips = torch.stack([p[place(torch.where(torch.arange(9) == i, 1 - rows, rows))] for i in range(9)], 1)
    own = p[place(rows)][:, None]
    exact = (own / (own + flips)).log().sum(1).mean().item()
    with looking(model.float()) as rng:
        found = model.net.pseudo_likelihood(bas().x, rng, 3000)
    assert found == pytest.approx(exact, rel=0.03)


def test_annealed_figures_are_near_the_exact_ones() -> None:
    data = genviz.dataset("digits")
    model = genviz.create("rbm", data, 0, preset="digits", hidden=21)
    run = Run(model, data)
    run.advance(steps=600)
    figures = run.monitor()
    assert figures["effective runs"] > 10
    rows = data.binarized("threshold", "test")[:397]
    smaller = model_of(run).net
    high, low = (torch.tensor(list(product([0.0, 1.0], repeat=n)), dtype=torch.float64) for n in (11, 10))
    high, low = torch.nn.functional.pad(high, (0, 10)), torch.nn.functional.pad(low, (11, 0))
    log_z = torch.stack([smaller.log_terms(part, low).flatten().logsumexp(0) for part in high.split(128)]).logsumexp(0)
    exact = -smaller.free_energy(rows).double().mean() - log_z
    assert figures["test log-likelihood"] == pytest.approx(exact.item(), abs=0.15)


@pytest.mark.parametrize(("sigma", "spread"), [(0.08, 0.0), (1.3, 50.0)])
def test_a_learned_sigma_stays_in_its_range(sigma: float, spread: float) -> None:
    moons = genviz.dataset("moons")
    model = genviz.create("rbm", moons, 0, hidden=2, sigma=sigma, learn_sigma=True, lr=1.0, init=1e-4)
    assert isinstance(model, RBM)
    rows = (model.units.undo(torch.full((4, 2), spread))).tolist()
    for _ in range(5):
        model.learn_once(rows, model.units.undo(torch.zeros(4, 2) if spread else torch.full((4, 2), 0.5)).tolist())
    low, high = LOG_S2
    assert low <= model.net.log_s2 <= high
    assert min(model.net.log_s2 - low, high - model.net.log_s2) < 1e-6  # it ran against the end
