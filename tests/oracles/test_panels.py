"""The figures that panels show, each against one computed another way; and what packing must not lose."""

import math
import re
from functools import cache
from typing import Any

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

import genviz
from genviz.layers import Bars, Layer, Pane, Points, Scene
from genviz.metrics.likelihood import lattice, on_grid
from genviz.metrics.partition import exact_log_z
from genviz.model import BadInput, Bounds, Encodes, LogJoints
from genviz.models.energy.rbm import RBM
from genviz.panels import look, scene, shots
from genviz.panels.space import limits
from genviz.rng import Rng
from genviz.run import Run, looking
from genviz.stage.pack import pack_scene, unpack

data = cache(genviz.dataset)
shipped = cache(genviz.load)


def layers(panes: list[Pane], pane: str) -> dict[str, Any]:
    """The layers of the pane of that name by their own names."""
    return {layer.name: layer for each in panes if each.name == pane for layer in each.layers}


# ---------------------------------------------------------------- the exact posterior


@pytest.mark.parametrize("name", ["moons", "digits"])
@pytest.mark.parametrize("point", [1, 2])  # a broad posterior, summed over all codes, and a narrow one with a grid of its own
def test_the_posterior_tells_the_exact_likelihood_the_bound_and_the_gap(name: str, point: int) -> None:
    model, rows, k = shipped(f"vae-{name}"), data(name), 100_000
    assert isinstance(model, Encodes) and isinstance(model, LogJoints) and isinstance(model, Bounds)
    shown = layers(look("posterior", model, rows, point), "posterior")
    told = {label: value for label, value, _, _ in shown["numbers"].rows}
    x = rows.seen_row(model, point)
    with looking(model) as rng:
        q = model.encode(x)
        sums = on_grid(model, x, lattice(2, side=400))  # pyright: ignore[reportArgumentType] (both capabilities, as asserted)
        bounds = model.bound(x.expand(20_000, -1), rng)
        z = rng.normal(k, 2)
        w = (model.log_joint(x, z)[0] - Normal(0.0, 1.0).log_prob(z).sum(1)).exp()  # p(x|z): codes drawn from the prior
        gap, codes, mass = sums.kl(q).item(), sums.grid.codes, (sums.log_posterior[0] + sums.grid.cell).exp()
    assert math.exp(told["log p(x)"]) == pytest.approx(w.mean().item(), abs=4 * w.std().item() / math.sqrt(k))
    assert told["log p(x)"] == pytest.approx(sums.log_prob.item(), abs=0.01)
    assert told["ELBO"] == pytest.approx(bounds.mean().item(), abs=4 * bounds.std().item() / math.sqrt(2000))
    assert told["gap = KL(q ‖ posterior)"] == pytest.approx(gap, abs=0.02) and gap >= 0

    density, (x0, x1, y0, y1) = shown["exact"].values, shown["exact"].extent
    side = len(density)
    seen = density * (x1 - x0) * (y1 - y0) / (side - 1) ** 2
    inside = mass * ((codes >= torch.tensor([x0, y0])) & (codes <= torch.tensor([x1, y1]))).all(1)
    assert seen.sum().item() == pytest.approx(inside.sum().item(), abs=0.02)
    across, up = torch.linspace(x0, x1, side), torch.linspace(y0, y1, side)
    centre = torch.stack([seen.sum(0) @ across, seen.sum(1) @ up])  # columns are z₁, rows z₂
    torch.testing.assert_close(centre, inside @ codes, rtol=0, atol=0.02)


def test_a_panel_that_has_no_answer_says_so_and_why() -> None:
    model, rows = shipped("vae-digits-10"), data("digits")
    with torch.no_grad():
        told = next(pane for pane in scene(model, rows).panes if pane.name == "posterior")
    assert (told.kind, told.ask, list(told.layers)) == ("numbers", "", [])
    assert "dimension 10" in told.reads
    with pytest.raises(BadInput) as caught:
        look("posterior", model, rows, 0)
    assert str(caught.value) == told.reads


# ---------------------------------------------------------------- what a code costs


@pytest.mark.parametrize(("name", "rows"), [("digits-10", "digits"), ("moons", "moons")])
def test_bars_are_the_mean_nats_of_each_dimension(name: str, rows: str) -> None:
    model = shipped(f"vae-{name}")
    assert isinstance(model, Encodes)
    bars = layers(list(scene(model, data(rows)).panes), "kl")["kl"]
    with looking(model):
        q = model.encode(data(rows).seen(model, 1000))
    mean, std = q.mean, q.stddev
    torch.testing.assert_close(bars.values, ((mean**2 + std**2 - 1) / 2 - std.log()).mean(0))
    torch.testing.assert_close(bars.values, kl_divergence(Normal(mean, std), Normal(0.0, 1.0)).mean(0))
    assert (bars.threshold, bars.unit) == (0.01, "nats")


# ---------------------------------------------------------------- energies, states, densities


@cache
def trained(preset: str, rows: str, steps: int, **knobs: Any) -> RBM:
    model = genviz.create("rbm", data(rows), 0, preset=preset, **knobs)
    assert isinstance(model, RBM)
    Run(model, data(rows)).advance(steps=steps)
    return model


def test_all_states_have_their_exact_probability_and_the_legal_ones_are_told_apart() -> None:
    model, rows = trained("bars-and-stripes", "bars-and-stripes", 3000), data("bars-and-stripes")
    shown = layers(list(scene(model, rows).panes), "states")
    bars, told = shown["states"], {label: value for label, value, _, _ in shown["numbers"].rows}
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 9)
    with looking(model):
        log_p = model.log_prob(every)
        sampled = model.sample(100_000, Rng(0))
    torch.testing.assert_close(bars.values, log_p.exp(), rtol=1e-4, atol=1e-7)
    legal = (every[:, None] == rows.x).all(2).any(1)
    assert torch.equal(bars.labels.bool(), legal) and list(bars.classes) == ["other", "legal"]
    assert told["log-likelihood"] == pytest.approx(log_p[legal].mean().item(), abs=1e-4)
    assert told["legal, exactly"] == pytest.approx(log_p[legal].exp().sum().item(), abs=1e-4)
    assert bars.marks.sum().item() == pytest.approx(1.0) and told["distance of the fantasies"] < 0.2
    assert told["legal fantasies"] == pytest.approx(bars.marks[legal].sum().item())
    assert told["kinds of legal fantasies"] == (bars.marks[legal] > 0).sum().item()
    drawn = (Rng(1).coins(sampled) @ 2.0 ** torch.arange(8, -1, -1)).long().bincount(minlength=512) / 100_000
    assert (drawn - bars.values).abs().max() < 0.01


def test_energies_are_counted_in_bins_and_told_as_means() -> None:
    model, rows = trained("digits", "digits", 300), data("digits")
    shown = layers(list(scene(model, rows).panes), "energies")
    with looking(model):
        seen, unseen = model.energy(rows.seen(model, 200)), model.energy(rows.seen(model, 200, "test"))
    gap = (unseen.mean() - seen.mean()).item()
    where = "above" if gap > 0 else "below"
    assert shown["gap"].text == f"On average unseen rows lie {abs(gap):.2g} nats {where} training rows."
    means = {}
    for name in ("train", "test", "noise", "fantasies"):
        at, mass = shown[name].xy.T
        assert 0.5 < mass.sum() <= 1.001  # what lies beyond the axis is left out
        means[name] = (at * mass).sum().item() / mass.sum().item()
    assert means["train"] == pytest.approx(seen.mean().item(), abs=1.0)
    assert abs(means["fantasies"] - means["train"]) < 0.5 * (means["noise"] - means["train"])


def test_a_density_map_integrates_to_one_and_says_when_one_gaussian_is_better() -> None:
    rows = data("moons")
    with_truth = layers(list(scene(trained("moons", "moons", 1500, decay=1500), rows).panes), "density")
    (x0, x1, y0, y1), values = with_truth["density"].extent, with_truth["density"].values
    cell = (x1 - x0) * (y1 - y0) / (len(values) - 1) ** 2
    assert 0.9 < values.sum().item() * cell <= 1.01
    assert with_truth["truth"].values.sum().item() * cell == pytest.approx(1.0, abs=0.03)
    told = {label: value for label, value, _, _ in with_truth["numbers"].rows}
    one = MultivariateNormal(rows.x.mean(0), rows.x.T.cov()).log_prob(rows.test_x[:200]).mean().item()
    assert told["one Gaussian"] == pytest.approx(one, abs=1e-3)
    assert told["log p(x)"] > one and not with_truth["worse"].text
    failed = layers(list(scene(trained("moons-narrow", "moons", 1500), rows).panes), "density")
    assert failed["worse"].text.startswith("Worse than a single Gaussian")


def test_components_are_the_heaviest_of_the_mixture() -> None:
    model, rows = trained("moons", "moons", 1500, decay=1500), data("moons")
    panes = list(scene(model, rows).panes)
    weights, mean, _ = model.components()
    bars, points = layers(panes, "codes")["weights"], layers(panes, "components")["means"]
    assert torch.equal(bars.values, weights.sort(descending=True).values[: len(bars.values)])
    first = int(bars.names[0], 2)  # a code is the number of its component
    assert first == weights.argmax() and torch.equal(points.xy[0], mean[first])


def test_a_frame_lists_no_more_states_than_it_can_afford(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it walk the 1,000 sweeps of a sample; the constant is summed once, or its pane says why not."""
    rows, summed = data("moons"), []
    monkeypatch.setattr("genviz.models.energy.rbm.exact_log_z", lambda net: summed.append(net.listed) or exact_log_z(net))
    monkeypatch.setattr(RBM, "sample", None)
    for hidden, words in ((13, "likelier"), (17, r"2\^17 states")):
        panes = {pane.name: pane for pane in scene(genviz.create("rbm", rows, 0, hidden=hidden), rows).panes}
        assert re.search(words, panes["density"].reads) and "at most 12" in panes["components"].reads
    assert summed == [13]


def test_annealing_is_shown_beside_the_exact_constant() -> None:
    model, rows = trained("moons", "moons", 1500, decay=1500), data("moons")
    shown = layers(look("annealing", model, rows, 0), "annealing")
    told = {label: value for label, value, _, _ in shown["numbers"].rows}
    assert told["exact"] == pytest.approx(exact_log_z(model.net))
    assert abs(told["1,000 temperatures, off by"]) < 0.3
    assert shown["runs"].xy.shape == (400, 2) and shown["exact"].xy[:, 1].tolist() == pytest.approx([told["exact"]] * 2)
    assert shown["warning"].text == ""


def test_filters_are_weights_on_a_round_scale() -> None:
    model = trained("digits", "digits", 300)
    images = layers(list(scene(model, data("digits")).panes), "filters")["filters"]
    signed = (images.pixels.flatten(1) - 0.5) * 2 * images.diverging
    torch.testing.assert_close(signed, model.features()[: len(signed)], rtol=0, atol=1e-5)
    assert images.diverging >= model.features()[: len(signed)].abs().max() and f"{images.diverging:g}".strip("0.") in "125"


def test_an_update_is_told_sweep_by_sweep() -> None:
    rows = data("bars-and-stripes")
    run = Run(genviz.create("rbm", rows, 0, preset="bars-and-stripes", k=3), rows)
    step = run.tick()
    assert step is not None
    told = shots(run.model, rows, step)
    assert [caption.partition(":")[0] for caption, _ in told[2:5]] == ["Sweep 1", "Sweep 2", "Sweep 3"]
    assert [[layer.name for pane in each.panes for layer in pane.layers] for _, each in told] == [
        ["batch"], ["boards"], *[["fantasies"]] * 3, []
    ]  # fmt: skip


# ---------------------------------------------------------------- frames and bytes


def test_axes_hold_every_kind_of_plane() -> None:
    def span(*columns: list[float]) -> list[float]:
        (a, b), (c, d) = limits(torch.tensor(columns, dtype=torch.float32).T, margin=0.5)
        return [a, b, c, d]

    assert span([0, 2], [10, 14]) == [-2, 4, 9, 15]  # alike: one scale
    assert span([0, 2], [0, 200]) == [-0.5, 2.5, -50, 250]  # not at all alike: each its own
    assert span([3, 3], [7, 7]) == [2, 4, 6, 8]  # constant columns lie in the middle
    assert span([1e9, 1e9], [0, 1]) == [1e9 - 1, 1e9 + 1, -0.5, 1.5]


def test_packing_drops_what_is_empty_or_off_but_never_a_zero() -> None:
    def header(layer: Layer) -> dict[str, Any]:
        return unpack(pack_scene(Scene(panes=[Pane(name="one", title="", layers=[layer])])))[0]["panes"][0]["layers"][0]

    bars = header(Bars(name="bars", values=torch.ones(2), threshold=0.0))
    assert bars["threshold"] == 0.0
    assert not bars.keys() & {"names", "unit", "sort", "static"}
    points = header(Points(name="points", xy=torch.zeros(1, 2), size=0, pick=True, classes=("cat", "dog")))
    assert (points["size"], points["pick"], points["classes"]) == (0, True, ["cat", "dog"])
