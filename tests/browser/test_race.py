"""Samplers that race in the browser: started, stepped, slowed, changed, guessed at, hidden in fog, had again from a link."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from driver import Open
from playwright.sync_api import Locator, Page, expect
from programs import run as execute
from test_stage import look, until

from genviz.checkpoint import load
from genviz.paths import PRETRAINED

pytestmark = pytest.mark.xdist_group("browser")
SOURCE = "race:pretrained:mcmc-grid25"
VALUES = """([id, name, rows]) => { const of = window.__genviz.sources.get(id).program(name);
  return rows.map(x => [...of(Float32Array.from(x))]) }"""
INKED = """canvas => { const {width, height} = canvas, d = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
  return seen.size }"""


def opened(visit: Open, view: dict[str, object] | None = None, **how: int | bool) -> tuple[Page, Locator]:
    asked = f"?race={json.dumps({'race': view})}" if view else ""
    page = visit(f"/mcmc{asked}", **how)
    page.locator(".st-key-race").scroll_into_view_if_needed()
    until(page, "s.lanes.length && s.frames.length", SOURCE)
    stage = page.locator(".stage", has=page.locator(".race"))
    stage.locator(".racelane canvas").first.wait_for()
    return page, stage


def test_the_programs_of_the_target_are_those_of_pytorch(visit: Open) -> None:
    page, _ = opened(visit)
    model = load(PRETRAINED / "mcmc-grid25.safetensors")
    x = 9 * torch.rand(100, 2, generator=torch.Generator().manual_seed(0)) - 4.5
    for name in ("energy", "score"):
        theirs = torch.tensor(page.evaluate(VALUES, [SOURCE, name, x.tolist()]))
        ours = execute(model.client()[name], model.state_dict(), x)[0]  # pyright: ignore
        torch.testing.assert_close(theirs.reshape(100, -1), ours.reshape(100, -1).float(), atol=1e-3, rtol=1e-4)


def test_it_steps_plays_slows_and_rests(visit: Open) -> None:
    page, stage = opened(visit)
    step = stage.get_by_role("button", name="One step", exact=True)
    step.click()
    until(page, "s.tick === 1 && s.lanes[0].steps === 1 && s.lanes[2].steps === 0", SOURCE)
    expect(stage.locator(".told").first).to_have_text(
        re.compile(r"^proposed · log ratio .* · coin 0\.\d\d · (accepted|rejected)")
    )
    expect(stage.locator(".told").nth(2)).to_have_text("an orbit on its way: 1 of 20")
    page.keyboard.press("ArrowRight")
    until(page, "s.tick === 2", SOURCE)
    page.keyboard.press("ArrowLeft")
    until(page, "s.playhead === 1 && s.tick === 2", SOURCE)
    page.wait_for_url(re.compile("tick%22%3A1|%22tick%22:1"))
    stage.get_by_label("speed of playing").select_option("500")
    stage.get_by_role("button", name="Play", exact=True).click()
    until(page, "s.tick > 400 && s.lanes.every(l => l.steps)", SOURCE)
    stage.get_by_role("button", name="slow", exact=True).click()
    page.wait_for_timeout(600)
    before = look(page, "s.tick", SOURCE)
    page.wait_for_timeout(2000)
    assert look(page, f"s.tick - {before}", SOURCE) in range(1, 9), "two a second"
    stage.get_by_role("button", name="Pause", exact=True).click()
    at = look(page, "s.tick", SOURCE)
    page.wait_for_timeout(700)
    assert look(page, "s.tick", SOURCE) == at
    expect(stage.locator(".counts").first).to_contain_text("1 of 25")
    assert "chains at step" in (stage.locator(".map canvas").first.get_attribute("aria-label") or "")
    assert all(canvas.evaluate(INKED) > 20 for canvas in stage.locator(".racelane canvas:not(.swatch)").all())


def test_a_guess_is_judged_when_the_race_is_decided(visit: Open) -> None:
    page, stage = opened(visit, {"rate": 2000, "lanes": [{"sampler": "mh", "eps": 0.5}, {"sampler": "pt", "eps": 0.5}]})
    stage.get_by_role("group", name="your guess").get_by_role("button", name="Metropolis–Hastings").click()
    until(page, "s.guess === 0", SOURCE)
    stage.get_by_role("button", name="Play", exact=True).click()
    expect(stage.locator(".verdict")).to_have_text(
        re.compile(r"^You said Metropolis–Hastings; tempering was first: all 25 modes after [\d,]+ evaluations a chain\.$"),
        timeout=60_000,
    )
    expect(stage.locator(".warning")).to_contain_text("R-hat cannot see what no chain has visited")
    expect(stage.locator(".counts").first).to_contain_text("not mixed")


def test_a_lane_is_changed_hidden_in_fog_and_had_again_from_the_link(visit: Open) -> None:
    page, stage = opened(visit)
    look(page, "s.stride(300)", SOURCE)
    stage.get_by_label("sampler").nth(1).select_option("gibbs")
    until(page, "s.of[1].sampler === 'gibbs' && s.lanes[1].steps === 150", SOURCE)  # it has caught up, at two a sweep
    stage.get_by_role("button", name="fog", exact=True).click()
    page.wait_for_url(re.compile("fog"))
    stage.get_by_label("chains in each lane").select_option("1")
    until(page, "s.tick === 0 && s.lanes[0].many === 1", SOURCE)
    point = stage.get_by_role("button", name="point", exact=True)
    point.click()
    box = stage.locator(".map canvas").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.25, steps=4)
    page.mouse.up()
    assert look(page, "s.point[0] > 2 && s.point[1] > 2", SOURCE)
    look(page, "s.stride(200)", SOURCE)
    page.wait_for_url(re.compile("point"))
    stage.get_by_role("button", name="One step", exact=True).click()
    page.wait_for_url(re.compile("201"))
    places = "JSON.stringify([s.view, s.lanes.map((l, i) => l.place(0, s.step(i)))])"
    before = look(page, places, SOURCE)
    page.reload()
    until(page, "s.lanes.length && s.tick === 201 && !s.behind", SOURCE)
    assert look(page, places, SOURCE) == before


def test_it_fits_a_phone_and_a_key_moves_the_start(visit: Open) -> None:
    page, stage = opened(visit, width=390, dark=True)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    canvas = stage.locator(".map canvas").first
    box = canvas.bounding_box()
    assert box and box["width"] <= 390
    canvas.focus()
    page.keyboard.press("Shift+ArrowRight")
    until(page, "s.begin === 'point' && s.point[0] > 1", SOURCE)


def test_the_target_is_shaped_by_hand_and_by_keys_and_is_as_it_was(visit: Open) -> None:
    page, stage = opened(visit)
    stage.get_by_role("button", name="shape", exact=True).click()
    # each map has all handles; Tab walks through those of one
    expect(stage.locator(".modes .mode")).to_have_count(100)
    expect(stage.locator(".modes .mode[tabindex='0']")).to_have_count(25)
    modes = stage.locator(".racelane").nth(1).locator(".mode")

    def middle(k: int) -> tuple[float, float]:
        box = modes.nth(k).bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    (x0, y0), (x1, y1) = middle(12), middle(18)
    page.mouse.click((x0 + x1) / 2, (y0 + y1) / 2)
    until(page, "s.shaping.shape.modes.length === 26 && s.shaping.chosen === 25 && s.lanes[0].modes === 26", SOURCE)
    expect(stage.locator(".question")).to_have_text("Who is the first to find all 26 modes?")
    look(page, "s.stride(40)", SOURCE)
    page.mouse.move(*middle(3))
    page.mouse.down()
    page.mouse.move(x0 - (x1 - x0) / 2, (y0 + y1) / 2, steps=5)
    assert look(page, "s.shaping.dragged && s.tick === 40", SOURCE), "chains wait until it is let go"
    page.mouse.up()
    until(page, "!s.shaping.dragged && s.tick === 0 && s.shaping.chosen === 3 && s.view.shape[0][0] === 3 && s.modes", SOURCE)
    share = stage.get_by_label("share: the mass of the chosen mode, per cent")
    share.fill("50")
    until(page, "Math.abs(s.lanes[0].ground.target.mixture.masses[3] - 0.5) < 1e-3", SOURCE)
    page.wait_for_url(re.compile("shape"))
    modes.nth(3).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    until(page, "s.shaping.chosen === 4 && s.view.shape[1][0] === 4", SOURCE)
    page.keyboard.press("Delete")
    until(page, "s.shaping.shape.modes.length === 25 && s.view.shape[1].length === 1", SOURCE)
    page.keyboard.press("Control+z")
    until(page, "s.shaping.shape.modes.length === 26", SOURCE)
    before = look(page, "JSON.stringify(s.view)", SOURCE)
    page.wait_for_url(lambda url: json.loads(parse_qs(urlsplit(url).query)["race"][0]) == {"race": json.loads(str(before))})
    page.reload()
    until(page, "s.lanes[0]?.modes === 26", SOURCE)
    assert look(page, "JSON.stringify(s.view)", SOURCE) == before
    stage.get_by_role("button", name="as it was", exact=True).click()
    until(page, "s.lanes[0].modes === 25 && !s.view.shape && s.shaping.law === s.shaping.base", SOURCE)


def test_escapes_take_longer_the_higher_the_barrier(visit: Open) -> None:
    page, stage = opened(visit, {"barrier": True, "rate": 2000})
    barrier = stage.get_by_role("slider", name="barrier")
    expect(barrier).to_have_attribute("aria-valuetext", re.compile(r"^21\.5 nats"))
    stage.get_by_label("chains in each lane").select_option("64")
    barrier.fill("-0.34")
    until(page, "s.shaping.barrier < 5 && s.lanes[0].many === 64", SOURCE)
    look(page, "s.stride(400)", SOURCE)
    until(page, "!s.behind", SOURCE)
    label = re.compile(
        r"At a barrier of [34]\.\d+ nats, evaluations .*: Metropolis–Hastings [\d,]+, .* 0 dots of earlier barriers"
    )
    expect(stage.locator(".shapebar canvas")).to_have_attribute("aria-label", label)
    barrier.fill("-0.24")
    until(page, "s.shaping.barrier > 6 && s.tick === 0 && s.view.escapes.length === 4", SOURCE)
    look(page, "s.stride(400)", SOURCE)
    until(page, "!s.behind", SOURCE)
    barrier.fill("-0.2")
    until(page, "s.view.escapes.length === 8", SOURCE)
    assert look(page, "(([low, high]) => high[2] > 2 * low[2])(s.view.escapes.filter(([lane]) => lane === 0))", SOURCE)
    stage.get_by_role("button", name="undo", exact=True).click()
    until(page, "s.view.escapes.length === 4 && s.tick === 400 && !s.behind", SOURCE)
    stage.get_by_role("button", name="as it was", exact=True).click()
    until(page, "!s.view.escapes && !s.view.width", SOURCE)
