"""Pictures of samplers: what they show is what is so."""

import math
from typing import Any

import pytest
import torch

import genviz
from genviz.data import dataset
from genviz.layers import Bars, Curves, Numbers, Pane, Path, Points
from genviz.models.chains.mcmc import MCMC
from genviz.panels import Shoot, film, films, films_of, look, sampling, scene, short_chains, space
from genviz.rng import Rng
from genviz.stage.pack import pack_frame, pack_scene


def made(preset: str, **knobs: Any) -> tuple[MCMC, genviz.Data]:
    data = dataset(MCMC.presets[preset].data or preset)
    model = genviz.create("mcmc", data, preset=preset, **knobs)
    assert isinstance(model, MCMC)
    return model, data


def figures(pane: Pane) -> dict[str, float]:
    return {label: value for each in pane.layers if isinstance(each, Numbers) for label, value, *_ in each.rows}


def layer(pane: Pane, name: str) -> Any:
    return next(each for each in pane.layers if each.name == name)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    less = {"BUDGET": 1000, "TRACED": 500, "PAID": 2500, "FRAMES": 8, "SWEEPS": 120, "RUNS": 12}
    for room, values in ((sampling, less), (films, {"FRAMES": 8, "PARTICLES": 60}), (space, {"CHAINED": 20})):
        for name, value in values.items():
            monkeypatch.setattr(room, name, value)


@pytest.mark.parametrize(("preset", "knobs"), [("two-modes", {}), ("banana", {"leapfrog": 4}), ("ising", {})])
def test_every_picture_can_be_drawn_and_sent(preset: str, knobs: dict[str, Any]) -> None:
    model, data = made(preset, **knobs)
    shown = scene(model, data)
    sent = len(pack_scene(shown))
    assert sent < 150_000
    for pane in shown.panes:
        for answer in look(pane.ask, model, data, 0) if pane.ask else []:
            assert answer.title and answer.reads
            pack_frame(type(shown)(panes=[answer]))
    for name in films_of(model):
        frames = [*film(name, model, data, Shoot(1))]
        assert len({tuple(pane.name for pane in each.panes) for _, each in frames}) == 1 and all(said for said, _ in frames)
        sizes = [len(pack_frame(each)) for _, each in frames]
        assert max(sizes) <= 1.2 * min(sizes) + 4096


def test_for_the_same_price_heat_finds_the_other_mode_and_slopes_do_not() -> None:
    (pane,) = look("evaluations", *made("two-modes"), 0)
    found = figures(pane)
    assert found["Metropolis"] == found["MALA"] == found["HMC"] == 1 and found["tempered"] > 1.5
    for name in sampling.SAMPLERS:
        xy = layer(pane, name).xy
        assert xy[-1, 0] <= 1000 and bool((xy[:, 1].diff() >= 0).all())


def test_chains_in_one_mode_agree_and_are_wrong() -> None:
    (pane,) = look("agreeing", *made("two-modes"), 0)
    found = figures(pane)
    assert found["R-hat"] < 1.05 and found["modes visited"] == 1 and found["effective samples"] > 100
    assert abs(found["mean"] + 4) < 0.2 and found["exact mean"] == pytest.approx(2.4)
    assert "the lightest mode and stayed" in pane.reads
    (equal,) = look("agreeing", *made("grid25"), 0)
    assert "one of 25 equal modes" in equal.reads and "lightest" not in equal.reads
    (nowhere,) = look("agreeing", *made("ring"), 0)
    assert "no modes" in nowhere.reads and not nowhere.layers


def test_a_density_that_is_flat_is_refused_for_its_own_reason() -> None:
    data = dataset("checkerboard")
    with pytest.raises(genviz.BadInput, match="checkerboard is flat where it is not 0"):
        genviz.create("mcmc", data)
    with pytest.raises(genviz.BadInput, match="mine has no density"):
        genviz.create("mcmc", genviz.Data("mine", data.x, data.x, data.spec))


def test_chains_that_stand_still_have_no_effective_samples() -> None:
    model, data = made("two-modes", sampler="mh", eps=0.001)
    (pane,) = look("traces", model, data, 0)
    assert not figures(pane).keys() & {"effective samples", "autocorrelation time"}
    assert layer(pane, "stuck").text.startswith("Not mixed")


def test_averages_are_right_where_nothing_ever_turns_over() -> None:
    (pane,) = look("averages", *made("ising"), 0)
    assert layer(pane, "never").xy[-1, 1] == 1.0 and layer(pane, "never").xy[0, 1] < 0.05
    assert float(layer(pane, "off").xy[:, 1].max()) < 0.03
    exact = {0.6: 13.51, 1.0: 28.09, 1.4: 31.42, 2.0: 31.955}  # sums of neighbour products, of the sheet
    rows = [row for each in pane.layers if isinstance(each, Numbers) for row in each.rows]
    for b, bonds in exact.items():
        how = next(how for label, _, _, how in rows if label == f"β × {b:g}, mean energy")
        assert float(how.removeprefix("exactly ")) == pytest.approx(-0.5 * bonds, abs=0.01)


@pytest.mark.parametrize(("eps", "diverges"), [(0.1, False), (1.3, True)])
def test_an_orbit_errs_by_the_square_of_its_step_and_diverges_beyond_two_widths(eps: float, diverges: bool) -> None:
    frames = [*film("orbit", *made("two-modes", eps=eps, leapfrog=40), Shoot(0))]
    captions = [said for said, _ in frames]
    assert ("diverged" in captions[-1]) == diverges and len(frames) == sampling.FRAMES + 1
    worst, square = (layer(frames[0][1].panes[2], name).xy for name in ("worst", "square"))
    if not diverges:
        small = worst[:, 0] < math.log10(0.15)
        assert (worst[small] - square[small]).abs().max() < 0.1 and int(small.sum()) > 6
    assert isinstance(layer(frames[0][1].panes[0], "orbit"), Path)


def test_a_ladder_shows_replicas_where_they_stand() -> None:
    model, data = made("two-modes", temperatures=3)
    frames = [*film("ladder", model, data, Shoot(3))]
    first, last = frames[0][1].panes, frames[-1][1].panes
    assert [pane.name for pane in first] == ["rung 1", "rung 2", "rung 3", "swaps"]
    for rung, pane in enumerate(first[:3]):
        assert layer(pane, "replicas").labels.unique().tolist() == [rung]
    assert any(len(layer(pane, "replicas").labels.unique()) > 1 for pane in last[:3])  # some came from elsewhere
    bars = layer(last[3], "swaps")
    assert isinstance(bars, Bars) and len(bars.values) == 2 and bars.values.min() > 0 and bars.values.max() <= 1
    assert {control["name"] for control in frames[0][1].controls} == {"eps", "temperatures", "hottest"}


def test_controls_that_count_for_nothing_are_not_there() -> None:
    for sampler, there in {
        "hmc": {"sampler", "eps", "leapfrog", "burn"},
        "pt": {"sampler", "eps", "temperatures", "hottest", "burn"},
        "mh": {"sampler", "eps", "burn"},
        "gibbs": {"sampler", "burn"},
    }.items():
        model, data = made("two-modes", sampler=sampler)
        shown = next(film("chain", model, data, Shoot(0)))[1]
        assert {control["name"] for control in shown.controls} == there


def test_the_microscope_is_exact() -> None:
    model: Any = genviz.load("rbm-bars-and-stripes")
    data = dataset("bars-and-stripes")
    found = short_chains.layered(model)
    assert found is not None
    machine = short_chains.Sweeps(*found)
    one = torch.ones(512, dtype=torch.float64)
    torch.testing.assert_close(machine.sweep.sum(1), one)
    torch.testing.assert_close(machine.pi @ machine.sweep, machine.pi)
    torch.testing.assert_close(machine.pi, (-model.energy(machine.v.float()).double()).softmax(0), rtol=1e-4, atol=1e-7)
    flow = machine.pi[:, None] * machine.sweep
    torch.testing.assert_close(flow, flow.T)
    v, rng = data.x[:1].expand(20_000, -1), Rng(0, "microscope")
    v, _ = model.net.sweep(rng.coins(model.net.up(v).sigmoid()), rng, model.net.W)
    share = short_chains.places(v).bincount(minlength=512) / len(v)
    exact = machine.sweep[short_chains.places(data.x[:1])][0]
    assert (share - exact).abs().max() < 5 * (0.25 / len(v)) ** 0.5
    frames = [*film("short_chains", model, data, Shoot(0))]
    off = [figures(each.panes[0])["from p_k to the model"] for _, each in frames]
    assert off == sorted(off, reverse=True) and off[-1] < 0.01
    assert isinstance(layer(frames[5][1].panes[1], "now"), Points) and not frames[0][1].controls
    assert isinstance(layer(frames[0][1].panes[0], "states"), Bars)


def test_curves_of_correlated_chains_start_at_one() -> None:
    (pane,) = look("memory", *made("correlated"), 0)
    curve = layer(pane, "all")
    assert isinstance(curve, Curves) and curve.xy is not None
    assert curve.xy[0].tolist() == [0, 1] and figures(pane)["autocorrelation time"] == pytest.approx(9.5, rel=0.4)


def test_a_film_offers_tuning_only_where_there_is_something_to_tune() -> None:
    for sampler, offered in (("mh", True), ("mala", True), ("hmc", True), ("pt", False), ("gibbs", False), ("ula", False)):
        model, data = made("two-modes", sampler=sampler, burn=5)
        controls = next(film("chain", model, data, Shoot(0)))[1].controls
        assert ("adapt" in {each["name"] for each in controls}) == offered
