"""Section 7 of the deep belief network's sheet, item by item."""

import math
from copy import deepcopy
from itertools import islice, pairwise, product
from typing import Any

import pytest
import torch
from programs import run as run_program
from sklearn.neighbors import KernelDensity
from torch import Tensor
from torch.func import grad
from torch.nn.functional import logsigmoid, one_hot, softplus

import genviz
from genviz.metrics.chains import hops, visited
from genviz.metrics.likelihood import WIDTHS, parzen
from genviz.metrics.partition import ais, exact_log_z
from genviz.metrics.reading import reader
from genviz.model import BadInput, Spec
from genviz.models.energy.dbn import DBN
from genviz.panels import scene
from genviz.rng import Rng
from genviz.run import Run, looking


def bits(n: int) -> Tensor:
    """Every row of n bits."""
    return torch.tensor(list(product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def stack(*sizes: int, classes: int = 0, std: float = 0.7, seed: int = 0, **knobs: Any) -> DBN:
    """All levels there, random weights and biases, in float64."""
    hidden = dict(zip(("h1", "h2", "h3"), sizes[1:], strict=False))
    model = DBN(Spec((sizes[0],), "binary", classes), 0, **hidden, start="random", labels=classes > 0, **knobs)
    rng = Rng(seed, "stack")
    for net in model.stack.levels:
        net.there.fill_(1)
        for name, theta in net.named_parameters():
            if not name.startswith("kept."):
                theta.copy_(std * rng.normal(*theta.shape))
    return model.double()


def bernoulli(up: Tensor, x: Tensor) -> Tensor:
    """log p of every row of x for every row of inputs: (rows of up, rows of x)."""
    return logsigmoid(up) @ x.T + logsigmoid(-up) @ (1 - x).T


def law(model: DBN) -> Tensor:
    """p(v) of every row of bits, and of nothing else: the sum over all layers and classes, level by level from the top."""
    top, lower = model.stack.top, model.stack.lower
    h = bits(top.size)
    v = torch.cat(
        [torch.cat([h, one_hot(torch.tensor(y), top.labels).expand(len(h), -1)], 1) for y in range(top.labels)] or [h]
    )
    joint = (v @ top.b)[:, None] + bits(len(top.c)) @ top.c + v @ top.W @ bits(len(top.c)).T
    p = joint.flatten().softmax(0).view_as(joint).sum(1).view(-1, len(h)).sum(0)
    for net in reversed(lower):
        p = p @ bernoulli(bits(len(net.c)) @ net.W.T + net.b, bits(net.size)).exp()
    return p


def near(x: Tensor, p: Tensor) -> float:
    """Total variation between the shares of the rows and p."""
    places = (x.double() @ 2.0 ** torch.arange(x.shape[1] - 1, -1, -1).double()).long()
    return (places.bincount(minlength=len(p)) / len(x) - p).abs().sum().item() / 2


# ---------------------------------------------------------------- 1: a level that begins turned over


@pytest.mark.parametrize("sizes", [(5, 4, 5), (5, 4, 7), (4, 4, 4, 4), (4, 3, 5, 4)])
def test_a_level_turned_over_changes_neither_p_nor_the_bound(sizes: tuple[int, ...]) -> None:
    model = stack(*sizes)
    new, x = model.stack.levels[-1], bits(sizes[0])
    new.there.fill_(0)
    before, log_z = model.log_prob(x), exact_log_z(model.stack.top)
    torch.testing.assert_close(before, law(model).log(), rtol=0, atol=1e-9)
    below = model.stack.lower
    new.W.fill_(0)  # exactly 0 for the units that the level below has not
    new.c.fill_(0.3)
    model.stack.add(len(sizes) - 2, x, None, transposed=True)
    torch.testing.assert_close(model.log_prob(x), before, rtol=0, atol=1e-9)
    if not below:  # what is believed of the level below is then exact: every single draw gives log p
        with looking(model) as rng:
            torch.testing.assert_close(model.bound(x, rng), before, rtol=0, atol=1e-9)
        bound = model.stack.exact_bound(x) - exact_log_z(model.stack.top)
        torch.testing.assert_close(bound, before, rtol=0, atol=1e-9)
    assert math.isfinite(log_z)


@pytest.mark.parametrize("h2", [9, 12])
def test_in_a_run_the_second_level_goes_on_where_the_first_stopped(h2: int) -> None:
    """It joins without a change of p, but for units too many, whose weights are 0.01; one update follows."""
    data = genviz.dataset("bars-and-stripes")
    model = genviz.create("dbn", data, 1, preset="bars-and-stripes", updates=400, upper_updates=400, h2=h2)
    assert isinstance(model, DBN)
    run = Run(model, data, 1)
    run.advance(until=400)
    assert model.levels == 1
    first, own = model.log_prob(data.x).clone(), model.stack.levels[0].W.clone()
    joined = deepcopy(model)
    joined.stack.add(1, data.x, None, transposed=True)
    torch.testing.assert_close(joined.log_prob(data.x), first, rtol=0, atol=1e-5 if h2 == 9 else 2e-3)
    run.advance(until=401)
    assert model.levels == 2 and torch.equal(model.stack.levels[0].W, own)
    torch.testing.assert_close(model.log_prob(data.x), first, rtol=0, atol=0.01)  # measured: 0.003, six seeds
    run.advance(steps=10**6)
    assert run.done and run.step == 800 and torch.equal(model.stack.levels[0].W, own)


# ---------------------------------------------------------------- 2: a distribution, and samples of it


@pytest.mark.parametrize(("sizes", "classes"), [((6, 4, 3), 0), ((6, 3, 4, 2), 0), ((6, 4, 3), 3), ((5, 2, 3, 4), 2)])
def test_probabilities_sum_to_one_and_samples_have_them(sizes: tuple[int, ...], classes: int) -> None:
    model, n = stack(*sizes, classes=classes, std=1.0), 200_000
    x = bits(sizes[0])
    p = law(model)
    torch.testing.assert_close(model.log_prob(x), p.log(), rtol=0, atol=1e-9)
    assert model.log_prob(x).logsumexp(0).item() == pytest.approx(0, abs=1e-9)
    assert model.stack.top.few
    with looking(model) as rng:
        assert near(rng.coins(model.sample(n, rng)), p) < 0.02
        model.stack.top.fantasies = model.stack.top.draw_exactly(20_000, rng)
        *_, last = islice(model.chain(20_000, rng), 4)
        assert near(last.x, p) < 0.03  # 64 states, 20,000 draws: 0.02 for exact ones


def test_a_class_that_is_held_is_the_one_that_is_dreamt() -> None:
    model, n = stack(5, 3, 4, classes=3, std=1.5, seed=2, label=0, sweeps=30), 10_000
    top, h = model.stack.top, bits(3)
    given = torch.cat([h, one_hot(torch.tensor(0), 3).expand(8, -1)], 1)
    p_h = (-top.free_energy(given)).softmax(0)
    p = p_h @ bernoulli(h @ model.stack.levels[0].W.T + model.stack.levels[0].b, bits(5)).exp()
    assert (law(model) - p).abs().sum() / 2 > 0.1  # other classes dream otherwise
    with looking(model) as rng:
        for start in (None, bits(5)[:1]):
            *_, last = islice(model.chain(n, rng, start), 31)
            assert near(last.x, p) < 0.04
        assert near(rng.coins(model.sample(n, rng)), p) < 0.04


# ---------------------------------------------------------------- 3, 4: the bound


def test_the_bound_is_below_for_any_parameters() -> None:
    x = bits(5)
    for seed in range(100):
        model = stack(5, 4, 3, seed=seed, std=0.3 + seed / 50)
        gap = model.stack.log_star(x) - model.stack.exact_bound(x)
        assert gap.min() > -1e-9 and gap.max() > 1e-4


@pytest.mark.parametrize("untied", [0, 1])
def test_draws_of_beliefs_agree_with_their_sum(untied: int) -> None:
    model, x = stack(6, 4, 3, updown=untied), bits(6)[[0, 13, 40, 63]]
    net = model.stack.levels[0]
    assert (net.R is not None) == bool(untied)
    h, seen = bits(4), net.c + x @ (net.W if net.R is None else net.R)
    log_q = bernoulli(seen, h)
    joint = bernoulli(h @ net.W.T + net.b, x).T - model.stack.top.free_energy(h)
    plain = (log_q.exp() * (joint - log_q)).sum(1) - exact_log_z(model.stack.top)
    exact = model.stack.exact_bound(x) - exact_log_z(model.stack.top)
    torch.testing.assert_close(exact, plain, rtol=0, atol=1e-9)
    with looking(model) as rng:
        found = model.bound(x.repeat(5000, 1), rng).view(5000, 4)
        many = model.bound(x, rng, 2000)
    assert ((found.mean(0) - exact).abs() < 3 * found.std(0) / 5000**0.5).all()
    assert (many > exact).all() and ((many - model.log_prob(x)).abs() < 0.3).all()


def test_an_energy_is_a_density_but_for_its_constant() -> None:
    model, x = stack(6, 4, 3), bits(6)
    shift = model.energy(x) + model.log_prob(x)
    torch.testing.assert_close(shift, shift[:1].expand(64), rtol=0, atol=1e-9)
    large, x = stack(6, 13, 3), bits(6)[5:6].expand(4000, -1)  # too many to list: minus the bound, one belief a row
    bound = -large.energy(x)
    exact = large.stack.exact_bound(x[:1]).item()
    assert abs(bound.mean().item() - exact) < 4 * bound.std().item() / 4000**0.5
    assert torch.equal(large.energy(x), large.energy(x))


# ---------------------------------------------------------------- 5: the constant of the top level


@pytest.mark.parametrize("classes", [0, 3])
def test_the_constant_is_the_same_from_either_layer(classes: int) -> None:
    for sizes in ((4, 5, 3), (4, 3, 5)):
        top = stack(*sizes, classes=classes).stack.top
        v, h = bits(top.size), bits(len(top.c))
        if classes:
            v = torch.cat([torch.cat([v, one_hot(torch.tensor(y), classes).expand(len(v), -1)], 1) for y in range(classes)])
        by_v = (-top.free_energy(v)).logsumexp(0).item()
        joint = (v @ top.b)[:, None] + h @ top.c + v @ top.W @ h.T
        by_h = joint.logsumexp(0).logsumexp(0).item()
        found = ais(top.float(), Rng(1, "ais"), 2000, 200).log_z
        assert exact_log_z(top) == pytest.approx(by_v, abs=1e-5) and by_v == pytest.approx(by_h, abs=1e-5)
        assert found == pytest.approx(by_v, abs=0.15)


# ---------------------------------------------------------------- 6: up-down


def test_up_down_follows_the_slopes_of_painting_and_of_recognition() -> None:
    """The update once more, with the same draws: autograd of log p(h_l|h_{l+1}) awake, of log q(h_{l+1}|h_l) asleep."""
    model, x, rate = stack(6, 5, 4, 3, updown=1), bits(6)[[3, 9, 33, 60, 12]], 0.1
    levels, top = model.stack.levels[:2], model.stack.top
    before = {name: theta.clone() for name, theta in model.named_parameters()}
    rng = Rng(5, "up-down")
    wake = [x]
    for net in levels:
        assert net.R is not None
        wake.append(rng.coins((net.c + wake[-1] @ net.R).sigmoid()))
    p0 = p = (top.c + wake[-1] @ top.W).sigmoid()
    v = wake[-1]
    for _ in range(3):
        v = rng.coins((rng.coins(p) @ top.W.T + top.b).sigmoid())
        p = (top.c + v @ top.W).sigmoid()
    sleep = [v]
    for net in reversed(levels):
        sleep.insert(0, rng.coins((net.b + sleep[0] @ net.W.T).sigmoid()))
    expected = dict(before)
    for i, (seen, dreamt) in enumerate(zip(pairwise(wake), pairwise(sleep), strict=True)):
        (low, high), (made, cause) = seen, dreamt

        def paints(W: Tensor, b: Tensor, low: Tensor = low, high: Tensor = high) -> Tensor:
            up = high @ W.T + b
            return (low * up - softplus(up)).sum(1).mean()

        def sees(R: Tensor, c: Tensor, made: Tensor = made, cause: Tensor = cause) -> Tensor:
            up = made @ R + c
            return (cause * up - softplus(up)).sum(1).mean()

        both: list[tuple[Any, tuple[str, str]]] = [(paints, ("W", "b")), (sees, ("R", "c"))]
        for slope, names in both:
            where = [f"stack.{i}.{name}" for name in names]
            found = grad(slope, argnums=(0, 1))(*(before[name] for name in where))
            for name, gradient in zip(where, found, strict=True):
                expected[name] = before[name] + rate * gradient
    steps = wake[-1].T @ p0 / 5 - v.T @ p / 5, wake[-1].mean(0) - v.mean(0), p0.mean(0) - p.mean(0)
    for name, step in zip("Wbc", steps, strict=True):
        expected[f"stack.2.{name}"] = before[f"stack.2.{name}"] + rate * step
    model.stack.up_down(x, None, 3, rate, Rng(5, "up-down"))
    for name, theta in model.named_parameters():
        torch.testing.assert_close(theta, expected[name], rtol=0, atol=1e-9)


def test_up_down_begins_where_the_levels_stopped_and_does_not_harm() -> None:
    data = genviz.dataset("bars-and-stripes")
    knobs = {"updates": 1500, "upper_updates": 1000, "updown": 600, "updown_lr": 0.02}
    model = genviz.create("dbn", data, 0, preset="bars-and-stripes", **knobs)
    assert isinstance(model, DBN)
    run = Run(model, data, 0)
    run.advance(until=2500)
    net = model.stack.levels[0]
    assert net.R is not None and torch.equal(net.R, net.W)
    before = model.log_prob(data.x).mean()
    step = run.tick()
    assert step and step.phase == "up-down"
    run.advance(steps=10**6)
    assert run.done and run.step == 3100 and not torch.equal(net.R, net.W)
    assert model.log_prob(data.x).mean() > before


def test_levels_by_themselves_stay_as_they_were_when_their_turn_was_over() -> None:
    """Up-down changes how a lower level paints and recognises: no figure of the shorter networks may move with it."""
    data = genviz.dataset("bars-and-stripes")
    knobs = {"h3": 9, "updates": 300, "upper_updates": 200, "updown": 100, "updown_lr": 0.1}
    model = genviz.create("dbn", data, 0, preset="bars-and-stripes", **knobs)
    assert isinstance(model, DBN)
    run, x = Run(model, data, 0), data.x
    first = second = x
    for until in (300, 500, 700):
        run.advance(until=until)
        with looking(model) as rng:
            if until == 300:
                first = model.log_prob(x)
                assert torch.equal(model.upto(1).log_prob(x), first)
            elif until == 500:
                second = model.stack.exact_bound(x), model.log_prob(x), model.reconstruct(x), next(model.chain(14, rng)).x
    assert run.monitor()["first level alone"] == pytest.approx(first.mean().item(), abs=1e-4)
    run.advance(steps=10**6)
    low, two = model.stack.levels[0], model.upto(2)
    assert run.done and low.R is not None and (low.R - low.W).abs().max() > 0.01  # it did change
    with looking(model) as rng:
        found = two.stack.exact_bound(x), two.log_prob(x), two.reconstruct(x), next(two.chain(14, rng)).x
        assert torch.equal(model.upto(1).log_prob(x), first)
        assert torch.equal(model.upto(3).reconstruct(x), model.reconstruct(x))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, second, strict=True))
    assert run.monitor()["first level alone"] == pytest.approx(first.mean().item(), abs=1e-4)
    assert run.replay().model.sha256 == model.sha256 and run.fork(350).replay().model.sha256 == run.fork(350).model.sha256


def test_up_down_is_told_what_it_gains_and_warned_when_the_bound_falls() -> None:
    data = genviz.dataset("bars-and-stripes")
    knobs = {"updates": 300, "upper_updates": 200, "updown": 100}
    model = genviz.create("dbn", data, 0, preset="bars-and-stripes", **knobs)
    run = Run(model, data, 0)
    run.advance(until=500)
    before = run.monitor()
    assert "gained by up-down" not in before and "bound before up-down" not in before
    run.advance(steps=10**6)
    assert isinstance(model, DBN)
    after = run.monitor()
    assert after["bound before up-down"] == before["test bound"] != after["test bound"]  # the same rows, the same draws
    assert after["gained by up-down"] == after["test bound"] - before["test bound"]
    model.stack.levels[0].b.fill_(6)  # as if its steps had been far too large
    fallen = run.monitor()
    assert fallen["bound before up-down"] == before["test bound"] and fallen["gained by up-down"] < -0.5
    for shown, plain in ((model, False), (genviz.create("dbn", data), True)):
        pane = next(pane for pane in scene(shown, data).panes if pane.name == "stages")
        columns = [column for layer in pane.layers for column in layer.columns]  # pyright: ignore[reportAttributeAccessIssue]
        assert ("bound before up-down" in columns) == ("up-down began" in pane.reads) != plain


# ---------------------------------------------------------------- 7: classes


def test_votes_are_the_posterior_of_the_class() -> None:
    model, x = stack(6, 4, 3, classes=3), bits(6)[:9]
    top, net, h = model.stack.top, model.stack.levels[0], bits(3)
    v = (net.c + x @ net.W).sigmoid()
    joint = []
    for y in range(3):
        both = torch.cat([v, one_hot(torch.tensor(y), 3).expand(len(v), -1)], 1)
        joint.append(((both @ top.b)[:, None] + h @ top.c + both @ top.W @ h.T).logsumexp(1))
    torch.testing.assert_close(model.classify(x), torch.stack(joint, 1).softmax(1), rtol=0, atol=1e-9)


def test_it_learns_the_classes_of_digits() -> None:
    data = genviz.dataset("digits")
    model = genviz.create(
        "dbn", data, 0, preset="digits-labels", h1=100, h2=100, start="random", updates=600, upper_updates=900
    )
    run = Run(model, data, 0)
    before = run.monitor()["test error"]
    run.advance(steps=10**6)
    assert before > 0.8 and run.monitor()["test error"] < 0.3


# ---------------------------------------------------------------- 8: nothing above


def test_without_a_second_level_features_are_coins() -> None:
    model = stack(6, 4, 3)
    top, net = model.stack.top, model.stack.levels[0]
    top.W.fill_(0)
    p = bernoulli(top.b[None], bits(4))[0].exp() @ bernoulli(bits(4) @ net.W.T + net.b, bits(6)).exp()
    torch.testing.assert_close(model.log_prob(bits(6)).exp(), p, rtol=0, atol=1e-9)


# ---------------------------------------------------------------- the algorithm box


def test_fit_does_what_the_box_of_the_paper_says() -> None:
    """CD with momentum below, chains of their own above, beliefs drawn anew: the box once more with the same draws."""
    data = genviz.dataset("bars-and-stripes")
    knobs = {"updates": 20, "upper_updates": 30, "momentum": 0.4, "k": 2, "copies": 3, "chains": 25, "lr": 0.3, "h2": 11}
    model = genviz.create("dbn", data, 3, preset="bars-and-stripes", **knobs)
    assert isinstance(model, DBN)
    run, rng = Run(model, data, 3), Rng(3, "fit")
    levels = [[net.get_parameter(name).clone() for name in "Wbc"] for net in model.stack.levels]
    kept = [net.fantasies.clone() for net in model.stack.levels]
    batches = data.batches(model, rng)
    for place, (net, steps) in enumerate(zip(levels, (20, 30), strict=True)):
        if place:
            net[0][:, :9], net[1], net[2][:9] = levels[0][0].T, levels[0][2].clone(), levels[0][1]
        velocity = [torch.zeros_like(theta) for theta in net]
        for t, (x, *_) in enumerate(islice(batches, steps)):
            W, b, c = net
            v0 = rng.coins((x.repeat(3, 1) @ levels[0][0] + levels[0][2]).sigmoid()) if place else x
            p0 = p = (v0 @ W + c).sigmoid()
            h, v = kept[1] if place else rng.coins(p0), v0
            for sweep in range(2):
                h = rng.coins(p) if sweep else h
                v = rng.coins((h @ W.T + b).sigmoid())
                p = (v @ W + c).sigmoid()
            new = rng.coins(p)
            kept[place][: len(new)] = new
            gradient = [v0.T @ p0 / len(v0) - v.T @ p / len(v), v0.mean(0) - v.mean(0), p0.mean(0) - p.mean(0)]
            for theta, moving, slope in zip(net, velocity, gradient, strict=True):
                moving.mul_(0.4).add_(0.3 * (1 - t / steps) * slope)
                theta += moving
    run.advance(steps=10**6)
    for net, own in zip(levels, model.stack.levels, strict=True):
        for name, theta in zip("Wbc", net, strict=True):
            torch.testing.assert_close(own.get_parameter(name), theta, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(a, net.fantasies) for a, net in zip(kept, model.stack.levels, strict=True))


# ---------------------------------------------------------------- levels, and the browser


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_browsers_programs_are_the_network_cut_where_learning_stands(levels: int) -> None:
    model, n, rng = stack(4, 3, 3, 2, std=1.0), 40_000, Rng(0, "program")
    for net in model.stack.levels[levels:]:
        net.there.fill_(0)
    assert model.levels == levels
    programs, tensors, p = model.client(), model.state_dict(), law(model)
    torch.testing.assert_close(model.upto(levels).log_prob(bits(4)), p.log(), rtol=0, atol=1e-9)
    state = run_program(programs["rise"], tensors, torch.zeros(n, 4).double())[0]
    assert state.shape == (n, 10) and ((state >= 0) & (state <= 1)).all()
    state = rng.coins(state)
    registers: dict[str, Tensor] = {}
    for _ in range(40):
        state, registers = run_program(programs["gibbs"], tensors, state, coin=rng.coins)
    assert near(state[:, :4], p) < 0.02
    assert torch.equal(torch.cat([registers["x"], registers["h1"], registers["h2"]], 1), state)
    assert [bool(registers[name].any()) for name in ("h1", "h2", "h")] == [levels > place for place in range(3)]
    torch.testing.assert_close(rng.coins(registers["p"]).mean(0), state[:, :4].mean(0), rtol=0, atol=0.02)
    every, stacked = bits(10), model.stack  # the energy of whole states: log p(v, h1, …) but for the constant
    parts, found = (
        [every[:, :4], every[:, 4:7], every[:, 7:]],
        -stacked.top.free_energy(every[:, [0, 4, 7][levels - 1] :][:, : stacked.top.size]),
    )
    for place, net in enumerate(stacked.lower):
        up = parts[place + 1] @ net.W.T + net.b
        found = found + (parts[place] * up - softplus(up)).sum(1)
    torch.testing.assert_close(run_program(programs["energy"], tensors, every)[0][:, 0], -found, rtol=0, atol=1e-9)


def test_the_browser_sees_the_class_beside_the_features() -> None:
    """The energy of a whole state, class included, and a class that the program chooses: exactly one is on."""
    model, rng = stack(3, 2, 3, classes=3), Rng(0, "program")
    programs, tensors, top = model.client(), model.state_dict(), model.stack.top
    every = bits(5).repeat(3, 1)
    state = torch.cat([every, one_hot(torch.arange(3).repeat_interleave(32), 3)], 1).double()
    net, (v, h) = model.stack.levels[0], (state[:, :3], state[:, 3:5])
    painted = h @ net.W.T + net.b
    plain = top.free_energy(state[:, 3:]) - (v * painted - softplus(painted)).sum(1)
    torch.testing.assert_close(run_program(programs["energy"], tensors, state)[0][:, 0], plain, rtol=0, atol=1e-9)
    assert (-plain).logsumexp(0).item() == pytest.approx(exact_log_z(top), abs=1e-9)
    end, registers = run_program(programs["gibbs"], tensors, state, coin=rng.coins)
    assert end.shape == state.shape and (registers["label"].sum(1) == 1).all() and torch.equal(end[:, 5:], registers["label"])
    risen = run_program(programs["rise"], tensors, v)[0]
    torch.testing.assert_close(risen[:, 5:], torch.full((96, 3), 1 / 3).double())
    torch.testing.assert_close(risen[:, 3:5], net.recognise(v).sigmoid())


@pytest.mark.parametrize("classes", [0, 3])
def test_what_it_learns_once_is_what_the_browser_shows_of_the_top_level(classes: int) -> None:
    model = stack(4, 3, 3, classes=classes).float()
    top, below, rows = model.stack.top, model.stack.levels[0], bits(4)[[3, 12]].float()
    before, told = top.W.clone(), []
    for row in rows.split(1):
        _, registers = run_program(model.client()["says"], model.state_dict(), row)
        v = torch.cat([below.recognise(row).sigmoid(), row.new_full((1, classes), 1 / max(classes, 1))], 1)
        torch.testing.assert_close(registers["v"], v)
        torch.testing.assert_close(registers["h"], top.up(v).sigmoid())
        told.append(registers["v"].T @ registers["h"])
    model.learn_once(*rows.tolist())
    torch.testing.assert_close(top.W - before, model.lr * (told[0] - told[1]))
    top.there.fill_(0)
    with pytest.raises(BadInput, match="level 2 is not there yet"):
        model.learn_once(*rows.tolist())


def test_a_network_cut_short_is_its_lower_levels() -> None:
    model = stack(5, 4, 3, 2)
    first, net = model.upto(1), model.stack.levels[0]
    torch.testing.assert_close(first.energy(bits(5)), net.free_energy(bits(5)), rtol=0, atol=1e-9)
    assert first.levels == 1 and model.levels == 3 and first.stack.levels[0].W is net.W
    product = net.W @ model.stack.levels[1].W
    torch.testing.assert_close(model.features(2), product.T)


def test_pixels_that_are_known_stay_and_the_dream_recognises_them() -> None:
    """One unit of each layer copies the first pixel to the second: what is held there is seen at every sweep."""
    model = stack(3, 1, 1, std=0.0)
    for net in model.stack.levels:
        net.W.fill_(16.0)
        net.b.fill_(-8.0)
        net.c.fill_(-8.0)
    model.stack.levels[0].c.fill_(-24.0)
    for value in (0.0, 1.0):
        known = torch.tensor([value, value, math.nan])
        with looking(model) as rng:
            *_, last = islice(model.chain(400, rng, clamp=known), 8)
        assert (last.x[:, :2] == value).all() and abs(last.x[:, 2].mean().item() - value) < 0.05


# ---------------------------------------------------------------- samples alone, and a reader


def test_parzen_windows_are_a_kernel_density() -> None:
    rng = Rng(0, "parzen")
    samples, x, held_out = rng.normal(50, 3), rng.normal(40, 3), rng.normal(30, 3)
    for h in (0.2, 0.7):
        found = parzen(samples, x, h)
        other = KernelDensity(bandwidth=h).fit(samples.numpy()).score_samples(x.numpy())
        torch.testing.assert_close(found.found.rows.double(), torch.from_numpy(other), rtol=1e-4, atol=1e-4)
        assert (found.bandwidth, found.n) == (h, 50)
    best = parzen(samples, x, held_out=held_out)
    scores = [parzen(samples, held_out, width).found.mean for width in WIDTHS]
    assert best.bandwidth == WIDTHS[scores.index(max(scores))] and len(WIDTHS) == 14
    assert (WIDTHS[0], WIDTHS[-1]) == (0.05, pytest.approx(0.6))
    with pytest.raises(BadInput, match="bandwidth or held-out rows"):
        parzen(samples, x)


def test_a_reader_counts_changes_and_classes() -> None:
    seen = torch.tensor([[0, 0, 3, 0], [1, 2, 2, 2]])
    assert hops(seen, 10).rate == pytest.approx(3 / 6) and visited(seen, 10)[:, -1].tolist() == [2, 2]
    data = genviz.dataset("digits")
    reads = reader(data)
    assert reads.accuracy > 0.9 and reads.read(data.test_x[None]).shape == (1, len(data.test_x))
    with pytest.raises(BadInput, match="no classes"):
        reader(genviz.dataset("bars-and-stripes"))


# ---------------------------------------------------------------- what cannot be

REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "real rows": ("moons", {}, "made of bits"),
    "one layer": ("bars-and-stripes", {"h2": 0}, "h2 = 0 is outside"),
    "no layer": ("bars-and-stripes", {"h1": 0}, "h1 = 0 is outside"),
    "too small to turn over": ("bars-and-stripes", {"h2": 8}, r"h2 = 8: .* 9; take more, or start = random"),
    "a third one too small": ("bars-and-stripes", {"h3": 8}, r"h3 = 8: .* 9; take more"),
    "no classes": ("bars-and-stripes", {"labels": True}, "no classes"),
    "no such class": ("encoder424", {"labels": True, "label": 4}, r"label = 4 is no class .* 0 … 3"),
    "no class at all": ("digits", {"labels": True, "label": 10}, "label = 10 is outside"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_words(case: str) -> None:
    name, knobs, says = REFUSED[case]
    with pytest.raises(BadInput, match=says):
        genviz.create("dbn", genviz.dataset(name), 0, **knobs)


def test_exact_answers_that_cost_too_much_are_refused_with_their_cost() -> None:
    model = stack(4, 17, 3)
    with pytest.raises(BadInput, match=r"2\^17 states of the 17 hidden units .* about .* at most 16"):
        model.log_prob(bits(4))
    with pytest.raises(BadInput, match=r"2\^21 states of 21 units"):
        stack(21, 30, 40).upto(1).log_prob(bits(5).repeat(1, 5)[:, :21])
    with pytest.raises(BadInput, match="give bits"):
        stack(4, 3, 3).log_prob(bits(4) / 2)
    with pytest.raises(BadInput, match="labels = True"):
        stack(4, 3, 3).classify(bits(4))
    for level in (0, 3):
        with pytest.raises(BadInput, match=f"level = {level}"):
            stack(4, 3, 3).features(level)


def test_rows_without_labels_cannot_teach_them() -> None:
    labelled = genviz.dataset("digits", rows=60)
    model = genviz.create("dbn", labelled, preset="digits-labels", updates=2)
    data = genviz.Data("bare", labelled.x, labelled.test_x, labelled.spec)
    run = Run(model, data)
    with pytest.raises(BadInput, match="these rows have none"):
        run.advance(steps=3)
