"""The figures that panels show, each against one computed another way; and what packing must not lose."""

import math
from functools import cache
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

import genviz
from genviz.layers import Bars, Layer, Pane, Points, Scene
from genviz.metrics.likelihood import lattice, on_grid
from genviz.model import BadInput, Bounds, Encodes, LogJoints
from genviz.panels import look, scene
from genviz.panels.space import limits
from genviz.run import looking
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
