"""Section 7 of the Boltzmann machine's sheet, item by item."""

import math
from dataclasses import replace
from itertools import islice, product
from typing import Any

import pytest
import torch
from programs import run as run_program
from torch import Tensor
from torch.func import grad

import genviz
from genviz.metrics.partition import exact_log_z
from genviz.model import BadInput, Spec
from genviz.models.energy.boltzmann import Boltzmann
from genviz.models.energy.pairwise import Pairwise
from genviz.models.energy.rbm import RBM
from genviz.panels import look, scene
from genviz.rng import Rng
from genviz.run import Run, looking
from genviz.samplers.sequential import sweep
from genviz.samplers.spins import bits_of_spins, spins_of_bits
from genviz.samplers.spins import energy as spin_energy


def bits(n: int) -> Tensor:
    """Every row of n bits."""
    return torch.tensor(list(product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def machine(d: int, hidden: int, std: float = 0.8, links: Tensor | None = None) -> Pairwise:
    """Random weights and biases, in float64."""
    net = Pairwise(d, hidden, 0.0, links).double()
    half = std * Rng(0, "W").normal(d + hidden, d + hidden).double().triu(1)
    net.W.copy_((half + half.T) * net.links)
    net.b.copy_(std * Rng(0, "b").normal(d + hidden))
    return net


def law(net: Pairwise, temperature: float = 1.0) -> Tensor:
    """p(s) of every whole state, from the sum over pairs i < j as the sheet writes it."""
    s = bits(len(net.b))
    energy = -(s @ net.b)
    for i in range(len(net.b)):
        for j in range(i + 1, len(net.b)):
            energy -= net.W[i, j] * s[:, i] * s[:, j]
    return (-energy / temperature).softmax(0)


def place(x: Tensor) -> Tensor:
    """The number of each row of bits."""
    return (x.double() @ 2.0 ** torch.arange(x.shape[1] - 1, -1, -1).double()).long()


def near(x: Tensor, p: Tensor) -> bool:
    """Whether the shares of the rows are those probabilities, within five standard errors."""
    found = place(x).bincount(minlength=len(p)) / len(x)
    return bool(((found - p).abs() <= 5 * (p * (1 - p) / len(x)).sqrt() + 1e-4).all())


def model_of(run: Run) -> Boltzmann:
    assert isinstance(run.model, Boltzmann)
    return run.model


def on(preset: str, seed: int | None = None, data: genviz.Data | None = None, **knobs: Any) -> Run:
    of = Boltzmann.presets[preset]
    data = data or genviz.dataset(of.data or preset)
    seed = of.seed if seed is None else seed
    return Run(genviz.create("boltzmann", data, seed, preset=preset, **knobs), data, seed)


# ---------------------------------------------------------------- 1: gradients


def mean_log_p(W: Tensor, b: Tensor, rows: Tensor, hidden: int) -> Tensor:
    """That of the rows, by sums over all states; of the upper half of W alone, so that each pair has one weight."""
    half, d = W.triu(1), rows.shape[1]
    h, every = bits(hidden), bits(d + hidden)
    whole = torch.cat([rows[:, None].expand(-1, len(h), -1), h.expand(len(rows), -1, -1)], 2)

    def minus_energy(s: Tensor) -> Tensor:
        return (s @ half * s).sum(-1) + s @ b

    return minus_energy(whole).logsumexp(1).mean() - minus_energy(every).logsumexp(0)


def test_the_difference_of_both_statistics_is_the_gradient() -> None:
    net, rows = machine(4, 2), bits(4)[[1, 6, 6, 11, 13]]
    (plus, energies, hidden), (minus, log_z) = net.held(rows), net.free()
    by_w, by_b = grad(mean_log_p, (0, 1))(net.W.detach(), net.b.detach(), rows, 2)
    found = plus - minus
    torch.testing.assert_close(found.triu(1), by_w, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.diagonal(), by_b, rtol=0, atol=1e-10)
    assert (-energies.mean() - log_z).item() == pytest.approx(mean_log_p(net.W, net.b, rows, 2).item(), abs=1e-10)
    joint = law(net).view(16, 4)[place(rows)]
    torch.testing.assert_close(hidden, joint @ bits(2) / joint.sum(1, keepdim=True), rtol=0, atol=1e-10)
    for i, j in ((0, 1), (2, 5), (4, 5)):
        up, down = net.W.clone(), net.W.clone()
        up[i, j] += 1e-5
        down[i, j] -= 1e-5
        slope = (mean_log_p(up, net.b, rows, 2) - mean_log_p(down, net.b, rows, 2)).item() / 2e-5
        assert slope == pytest.approx(found[i, j].item(), abs=1e-6)


def gradient(model: Boltzmann, x: Tensor) -> Tensor:
    plus, minus = model.net.held(x)[0], model.net.free()[0]
    return (plus - minus) * (model.net.links + torch.eye(len(minus)))


@pytest.mark.parametrize("case", ["exact", "persistent", "anneal", "minibatches"])
def test_an_update_follows_the_gradient(case: str) -> None:
    """Lists exactly; four times 10,000 chains, after 30 sweeps or a cooling, to 3 % of its length."""
    data = genviz.dataset("bars-and-stripes")
    many = replace(data, x=data.x.repeat(292, 1)) if case == "minibatches" else data
    knobs: dict[str, Any] = {"chains": 10_000, "clamped": 10_000, "k": 30, "lr": 1.0, "decay": 0}
    knobs |= {"clamped": 14, "batch": 4088} if case == "minibatches" else {"averages": case}
    half = 0.5 * Rng(0, "W").normal(13, 13).triu(1)
    added, exact = torch.zeros(13, 13), torch.zeros(13, 13)
    for seed in range(4):
        run = on("bars-and-stripes", seed, many, **knobs)
        model = model_of(run)
        model.net.W.copy_(half + half.T)
        before, exact = model.net.W + model.net.b.diag(), gradient(model, data.x)
        run.advance(steps=1)
        added += (model.net.W + model.net.b.diag() - before) / 4
        assert torch.equal(model.net.W, model.net.W.T) and not model.net.W.diagonal().any()
    assert (added - exact).norm() < (1e-5 if case == "exact" else 0.03) * exact.norm()


def test_what_is_not_linked_stays_apart() -> None:
    run = on("encoder424")
    run.advance(steps=50)
    W = model_of(run).net.W
    assert not W[:4, 4:8].any() and W[:4, :4].any() and W[:4, 8:].all() and W[8, 9]


# ---------------------------------------------------------------- 2: the fully visible machine


def test_without_hidden_units_the_optimum_has_the_moments_of_the_data() -> None:
    """Of a random, strictly positive law of four bits, sixteen states with 1 … 9 rows each."""
    rows = bits(4).repeat_interleave(Rng(3, "counts").integers(1, 10, 16), 0)
    net = machine(4, 0)
    torch.testing.assert_close(net.held(rows)[0], rows.T @ rows / len(rows), rtol=0, atol=1e-12)
    for _ in range(20_000):
        step = net.held(rows)[0] - net.free()[0]
        if step.abs().max() < 1e-8:
            break
        net.climb(1.5 * step)
    else:
        pytest.fail("it does not converge")
    s, p = bits(4), law(net)
    torch.testing.assert_close(s.T @ (p[:, None] * s), rows.T @ rows / len(rows), rtol=0, atol=1e-8)
    triple = [(x[:, 0] * x[:, 1] * x[:, 2]) for x in (s, rows)]
    assert abs((p @ triple[0] - triple[1].mean()).item()) > 1e-3  # it is blind to triples


# ---------------------------------------------------------------- 3, 4, 5: chains


def one_unit(net: Pairwise, i: int) -> Tensor:
    """The transition matrix of unit i drawn anew."""
    s, n = bits(len(net.b)), 2 ** len(net.b)
    p = net.gap(s)[:, i].sigmoid()
    on, off = s.clone(), s.clone()
    on[:, i], off[:, i] = 1, 0
    move = torch.zeros(n, n, dtype=torch.float64)
    move[torch.arange(n), place(on)] += p
    move[torch.arange(n), place(off)] += 1 - p
    return move


def test_a_unit_at_a_time_is_reversible_and_a_sweep_keeps_the_law() -> None:
    net, p = machine(3, 1), law(machine(3, 1))
    whole = torch.eye(16, dtype=torch.float64)
    for i in range(4):
        move = one_unit(net, i)
        flow = p[:, None] * move
        torch.testing.assert_close(flow, flow.T, rtol=0, atol=1e-12)
        whole = whole @ move
    torch.testing.assert_close(p @ whole, p, rtol=0, atol=1e-12)
    flow = p[:, None] * whole
    assert (flow - flow.T).abs().max() > 1e-3  # in a fixed order it is not reversible


def test_all_units_at_once_lose_the_law() -> None:
    net, s, p = machine(3, 1), bits(4), law(machine(3, 1))
    up = net.gap(s).sigmoid()
    at_once = torch.where(s[None] == 1, up[:, None], 1 - up[:, None]).prod(2)
    torch.testing.assert_close(at_once.sum(1), torch.ones(16, dtype=torch.float64))
    assert (p @ at_once - p).abs().sum() / 2 > 0.01


def test_the_kernel_draws_what_the_matrix_says() -> None:
    """Only the named units, each with its own coin; of two in either order as often; and it tells their inputs."""
    net, n, rng = machine(3, 1).float(), 200_000, Rng(1, "kernel")
    start = bits(4)[5].float()
    for units in ([2], [1, 3]):
        moves = [one_unit(machine(3, 1), i) for i in units]
        both = moves[0] if len(units) == 1 else (moves[0] @ moves[1] + moves[1] @ moves[0]) / 2
        many = torch.cat([sweep(start.expand(1000, -1), net.W, net.b, rng, units)[0] for _ in range(n // 1000)])
        found = place(many).bincount(minlength=16) / n
        torch.testing.assert_close(found.double(), both[5], rtol=0, atol=0.035 if len(units) > 1 else 0.006)
    s, gap = sweep(start.expand(9, -1), net.W, net.b, rng, [2])
    torch.testing.assert_close(gap[:, 2], net.gap(start[None])[:, 2].expand(9))
    assert not gap[:, [0, 1, 3]].any() and torch.equal(s[:, [0, 1, 3]], start[[0, 1, 3]].expand(9, -1))


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_long_chains_visit_every_state_as_often_as_they_should(temperature: float) -> None:
    """2,000 sweeps of 5,000 chains of eight units, and a tenth of that when hot."""
    net, counts, rng = machine(6, 2).float(), torch.zeros(256), Rng(2, "visits")
    s = net.coins(5000, rng)
    for k in range(2020 if temperature == 1 else 220):
        s = net.sweep(s, rng, t=temperature)
        if k >= 20:
            counts += place(s).bincount(minlength=256)
    assert (counts.double() / counts.sum() - law(machine(6, 2), temperature)).abs().sum() / 2 < 0.01


def test_without_noise_energy_only_falls_until_nothing_moves() -> None:
    net, rng = machine(6, 6), Rng(4, "down")
    s = net.coins(200, rng)
    for _ in range(30):
        before, s = s, net.sweep(s, rng, t=0.0)
        assert (net.energy(s) <= net.energy(before) + 1e-12).all()
    assert torch.equal(s, (net.gap(s) > 0).double())
    every = bits(12)
    assert net.ground() == pytest.approx(net.energy(every).min().item(), abs=1e-10)
    flat = Pairwise(3, 0, 0.0)
    assert torch.equal(flat.sweep(torch.tensor([[1.0, 0.0, 1.0]]), rng, t=0.0), torch.tensor([[1.0, 0.0, 1.0]]))


def test_lists_give_the_law_the_constant_and_independent_draws() -> None:
    net, p = machine(7, 5), law(machine(7, 5))
    every = bits(12)
    assert exact_log_z(net) == pytest.approx((-net.energy(every)).logsumexp(0).item(), abs=1e-10)
    torch.testing.assert_close(net.free()[0], every.T @ (p[:, None] * every), rtol=0, atol=1e-12)
    torch.testing.assert_close((-net.free_energy(bits(7))).softmax(0), p.view(128, 32).sum(1), rtol=0, atol=1e-12)
    assert near(net.draw_exactly(200_000, Rng(5, "exact")), p)


# ---------------------------------------------------------------- 6: the restricted machine


def test_without_links_within_layers_it_is_the_restricted_machine() -> None:
    data = genviz.dataset("bars-and-stripes")
    rbm = genviz.create("rbm", data, 3, preset="bars-and-stripes", hidden=6)
    bm = genviz.create("boltzmann", data, 3, hidden=6, links="layers", init=1.0)
    assert isinstance(rbm, RBM)
    assert isinstance(bm, Boltzmann)
    assert not bm.net.W[:9, :9].any() and not bm.net.W[9:, 9:].any() and bm.net.W[:9, 9:].all()
    rbm.net.W.copy_(bm.net.W[:9, 9:])
    bm.net.b.copy_(Rng(0, "b").normal(15))
    rbm.net.b.copy_(bm.net.b[:9])
    rbm.net.c.copy_(bm.net.b[9:])
    x = bits(9)
    torch.testing.assert_close(bm.double().log_prob(x), rbm.double().log_prob(x), rtol=0, atol=1e-10)
    assert bm.log_prob(x).exp().sum().item() == pytest.approx(1, abs=1e-10)


# ---------------------------------------------------------------- 7: uphill


@pytest.mark.parametrize("hidden", [0, 4])
def test_exact_ascent_never_goes_down(hidden: int) -> None:
    run = on("exact", 0, hidden=hidden)
    run.advance(steps=600)
    values = torch.tensor([value for _, value in run.history["log-likelihood"]])
    assert values[0] < -6.2 and values[-1] > -3.3 and (values.diff() > -2e-5).all()  # float32 at 6 nats


# ---------------------------------------------------------------- 8: completion


def test_completions_are_those_of_the_list() -> None:
    """4-2-4, of three codes and of four: the first half held, the second and the code by Gibbs sweeps, at p(·|first half)."""
    for preset, codes in (("encoder424", 4), ("stuck", 3)):
        run = on(preset)
        run.advance(steps=400)
        model, rng = model_of(run), Rng(6, "clamp")
        known = torch.cat([torch.tensor([0.0, 1.0, 0.0, 0.0]), torch.full((4,), math.nan)])
        every = torch.cat([known[:4].expand(16, -1), bits(4).float()], 1)
        exact = (-model.energy(every).double()).softmax(0)
        with looking(model):
            states = model.chain(20_000, rng, clamp=known)
            last = next(islice(states, 300, None))
            assert (last.x[:, :4] == known[:4]).all() and (last.aux["p"][:, :4] == known[:4]).all()
            assert near(last.x[:, 4:], exact)
            torch.testing.assert_close(rng.coins(last.aux["p"]).mean(0), last.x.mean(0), rtol=0, atol=0.02)
        pane = next(pane for pane in scene(model, genviz.dataset("encoder424")).panes if pane.name == "corners")
        figures: Any = next(layer for layer in pane.layers if layer.name == "numbers")
        told = {name: value for name, value, *_ in figures.rows}
        assert told["codes in use"] == codes and (told["completed rightly"] > 90) == (codes == 4)


def test_what_1985_did_besides_leads_out_of_a_shared_code() -> None:
    """From the same first weights, at the ends of the shipped presets: what the page says of them."""
    first, owned = [], []
    for preset in ("stuck", "as-in-1985"):
        run = on(preset)
        first.append(model_of(run).net.W.clone())
        run.advance(steps=Boltzmann.presets[preset].steps)
        owned.append(len((model_of(run).encode(genviz.dataset("encoder424").x.unique(dim=0)).mean > 0.5).unique(dim=0)))
    assert torch.equal(*first) and owned == [3, 4]


def test_a_chain_begins_where_it_is_told() -> None:
    model, rng = model_of(on("bars-and-stripes")), Rng(7, "begin")
    x = genviz.dataset("bars-and-stripes").x[:4]
    with looking(model):
        first, second = islice(model.chain(4, rng, x), 2)
        own = next(model.chain(250, rng))
        *_, spread = islice(model_of(on("bars-and-stripes", temperature=20.0)).chain(2000, rng), 3)
    assert torch.equal(first.x, x) and torch.equal(first.aux["p"], x) and (first.nfe, second.nfe) == (0, 1)
    assert set(first.aux["h"].unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(torch.cat([own.x, own.aux["h"]], 1), model.dreams.repeat(3, 1)[:250])
    assert (spread.x.mean() - 0.5).abs() < 0.03


# ---------------------------------------------------------------- 9: bits and spins


def test_spins_and_bits_say_the_same() -> None:
    spin = machine(6, 0)
    s = bits(6)
    x = 2 * s - 1
    p = ((x @ spin.W * x).sum(1) / 2 + x @ spin.b).softmax(0)
    W, b = bits_of_spins(spin.W, spin.b)
    torch.testing.assert_close(((s @ W * s).sum(1) / 2 + s @ b).softmax(0), p, rtol=0, atol=1e-12)
    for back, was in zip(spins_of_bits(W, b), (spin.W, spin.b), strict=True):
        torch.testing.assert_close(back, was, rtol=0, atol=1e-12)


def test_a_machine_without_hidden_units_shows_its_weights_as_a_hopfield_network_would() -> None:
    """The energies of its states, as spins, differ from its own by one constant; with hidden units it is said why not."""
    run = on("parity-visible", init=1.0)
    run.advance(steps=20)
    model = model_of(run)
    W, theta = model.couplings()
    s = bits(3).float()
    apart = spin_energy(2 * s - 1, W, theta) - model.energy(s)
    assert (apart - apart[0]).abs().max() < 1e-4 and model.energy(s).std() > 0.1
    shown = {pane.name: pane for pane in scene(model, genviz.dataset("parity")).panes}
    pixels: Any = next(layer for layer in shown["weights"].layers if layer.name == "weights")
    assert pixels.pixels.shape == (1, 3, 3)
    other = model_of(on("parity"))
    with pytest.raises(BadInput, match="no weights between the bits of a row alone: hidden units"):
        other.couplings()


# ---------------------------------------------------------------- mean field, and the rest


def test_mean_field_is_a_bound_and_exact_for_one_hidden_unit() -> None:
    for hidden in (1, 5):
        net, v, rng = machine(5, hidden, 1.5), bits(5), Rng(8, "bound")
        exact, bound, best = -net.free_energy(v), net.bound(v, rng, 1), net.bound(v, rng, 20)
        assert (bound <= exact + 1e-10).all() and (best >= bound).all()
        assert ((exact - best).max() < 1e-8) == (hidden == 1)
        mean = net.mean_field(v)[:, 5:]
        if hidden == 1:
            torch.testing.assert_close(mean, net.held(v)[2], rtol=0, atol=1e-6)
        else:
            fixed = (v @ net.W[:5, 5:] + mean @ net.W[5:, 5:] + net.b[5:]).sigmoid()
            assert (fixed - mean).abs().median() < 1e-3


def test_mean_field_awake_learns_as_well() -> None:
    run = on("bars-and-stripes", 0, mean_field=True)
    run.advance(steps=1000)
    assert model_of(run).log_prob(run.data.x).mean() > -3.2


def test_noise_and_signs_of_1985() -> None:
    run = on("parity", 0, noisy=True, signs=True, lr=0.1, decay=0, clamped=10_000)
    before, data = model_of(run).net.W.clone(), genviz.dataset("parity").x
    step = run.tick()
    assert step is not None
    shown, many = step.show["x"], data.repeat(2500, 1)
    assert ((shown == 0) & (many == 1)).sum() / many.sum() == pytest.approx(0.15, abs=0.01)
    assert ((shown == 1) & (many == 0)).sum() / (1 - many).sum() == pytest.approx(0.05, abs=0.01)
    off = ~torch.eye(5, dtype=torch.bool)
    torch.testing.assert_close((model_of(run).net.W - before)[off].abs(), torch.full((20,), 0.1))


def test_learning_once_is_one_exact_difference() -> None:
    model, rows, dream = model_of(on("bars-and-stripes")), genviz.dataset("bars-and-stripes").x[3:5], torch.zeros(1, 9)
    before, held = model.net.W + model.net.b.diag(), model.net.held(rows)[0] - model.net.held(dream)[0]
    model.learn_once(rows.tolist(), dream[0].tolist())
    torch.testing.assert_close(model.net.W + model.net.b.diag() - before, 0.2 * held, rtol=0, atol=1e-6)


def test_programs_know_the_energy_of_the_whole_state() -> None:
    model = model_of(on("bars-and-stripes"))
    s, programs = model.dreams, model.client()
    found, _ = run_program(programs["energy"], model.state_dict(), s)
    torch.testing.assert_close(found[:, 0], model.net.energy(s), rtol=1e-5, atol=1e-5)
    assert programs["gibbs"] == [["sweep", "net.W", "net.b"], ["put", "s"], ["slice", 9, 13], ["put", "h"], ["get", "s"]]
    assert model_of(on("parity-visible")).client()["gibbs"] == [["sweep", "net.W", "net.b"], ["put", "s"]]


def test_slow_cooling_is_deeper() -> None:
    run = on("encoder424")
    run.advance(steps=1500)
    numbers: Any = look("cooling", run.model, genviz.dataset("encoder424"), 0)[0].layers[-1]
    share = {name: value for name, value, *_ in numbers.rows}
    assert share["straight down"] + 10 < share["cooled in 10 sweeps"] <= share["cooled in 200 sweeps"] + 1


@pytest.mark.parametrize("hidden", [3, 11])
def test_bars_of_all_states_are_called_exact_only_where_they_are(hidden: int) -> None:
    """With eleven hidden units mean field stands for their sum: with strong links its law is another one."""
    data = genviz.dataset("bars-and-stripes")
    model = genviz.create("boltzmann", data, 0, preset="bars-and-stripes", hidden=hidden, init=1.5)
    assert isinstance(model, Boltzmann)
    (pane,) = [pane for pane in scene(model, data).panes if pane.name == "states"]
    layers: dict[str, Any] = {layer.name: layer for layer in pane.layers}
    told = {name: value for name, value, *_ in layers["numbers"].rows}
    found, exact = model.monitor(data, Rng(0)), model.log_prob(data.x).mean().item()
    assert found["KL from the data"] == pytest.approx(-math.log(14) - exact, abs=1e-3)  # of all rows, not mean field's
    off = (layers["states"].values - model.log_prob(bits(9).float()).exp()).abs().sum().item() / 2
    if hidden == 3:
        assert off < 1e-4 and {"log-likelihood", "distance of the fantasies", "legal, exactly"} <= told.keys()
        assert told["log-likelihood"] == pytest.approx(model.log_prob(data.x).mean().item(), abs=1e-3)
    else:
        assert off > 1e-2 and told.keys() == {"legal, estimated", "legal fantasies", "kinds of legal fantasies"}
        assert "exact" not in str(layers["numbers"].rows) and pane.how.startswith("Estimated")


BAD: dict[str, tuple[Spec, dict[str, Any], str]] = {
    "too many to list": (Spec((4, 5), "binary"), {"averages": "exact", "hidden": 1}, r"2\^21 states .*persistent"),
    "real numbers": (Spec((3,)), {}, "bits"),
    "no halves": (Spec((3,), "binary"), {"links": "halves"}, "halves"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused(case: str) -> None:
    spec, knobs, says = BAD[case]
    with pytest.raises(BadInput, match=says):
        Boltzmann(spec, **knobs)


def test_an_exact_answer_that_is_too_dear_names_its_cost() -> None:
    model, x = Boltzmann(Spec((5, 5), "binary")), torch.zeros(2, 25)
    with pytest.raises(BadInput, match=r"2\^29 states .* about .* annealed"):
        model.log_prob(x)
    with pytest.raises(BadInput, match="bits"):
        Boltzmann(Spec((3, 3), "unit")).log_prob(torch.full((2, 9), 0.5))
