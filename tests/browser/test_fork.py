"""The time machine: fork a run anywhere, change one thing, and see both. Real Chromium, real server."""

import re

import pytest
from driver import IDLE, Open, Server, enter, shows
from playwright.sync_api import Page, expect
from test_stage import look, train, until

pytestmark = pytest.mark.xdist_group("browser")
RUN = "new URLSearchParams(location.search).get('run')"


def finished(visit: Open, path: str, **options: object) -> tuple[Page, str]:
    """A page with a run of its own, trained to its end."""
    page = visit(path, **options)
    source = train(page)
    until(page, "s.status.state === 'done' && s.frames.at(-1).step === s.status.until", source)
    page.wait_for_function(IDLE)  # a run of a second ends before the form is the new run's
    return page, source


def scrub(page: Page, share: float, strip: str = "training time") -> None:
    box = page.get_by_role("slider", name=strip).bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def fork(page: Page, parent: str) -> tuple[str, int]:
    """Press F; the fork's source and the step, once its replay is over and the form is its."""
    step = look(page, "Math.round(s.playhead)", parent)
    assert isinstance(step, int)
    further = page.locator(".lane").nth(page.locator(".lane").count())
    dear = page.get_by_role("button", name="fork all the same")
    page.keyboard.press("f")
    expect(further.or_(dear).first).to_be_visible()
    if dear.count():  # on a machine where each step takes long
        page.keyboard.press("f")
    page.wait_for_function(f"was => `run:${{{RUN}}}` !== was", arg=parent, timeout=60_000)
    source = f"run:{page.evaluate(RUN)}"
    until(page, f"s.keyframes.includes({step}) && s.frames.at(-1).step === {step} && !s.status.message", source)
    page.wait_for_function(IDLE)
    return source, step


def test_scrub_back_fork_change_a_knob_and_play(visit: Open) -> None:
    page, first = finished(visit, "/vae?steps=600")
    scrub(page, 0.4)
    second, step = fork(page, first)
    lanes = page.locator(".lane")
    expect(lanes).to_have_count(2)
    assert 200 < step < 280
    expect(lanes.nth(1)).to_contain_text(f"fork of A at {step}")
    shows(page, "lr", "0.002")
    enter(page, "lr", "0.02")
    until(page, f"s.edits.some(e => e.args.lr === 0.02 && e.step === {step})", second)
    expect(lanes.nth(1)).to_contain_text(f"fork of A at {step}: lr = 0.02")
    page.get_by_role("button", name="Train on", exact=True).click()
    until(page, "s.status.state === 'done'", second)
    differ = """([a, b]) => { const [x, y] = [a, b].map(id => window.__genviz.sources.get(id).metrics.get('elbo').values);
      return x.findIndex((value, i) => value !== y[i]) }"""
    assert page.evaluate(differ, [first, second]) == step + 1  # the bound of step + 1 is that of the weights before it

    page.keyboard.press("c")
    expect(page.locator(".between").first).to_have_text(f"Equal up to step {step}; then lr is 0.002 in A and 0.02 in B.")
    expect(page.locator('.pane[data-pane="data"]:has(.badge)')).to_have_count(2)
    scrub(page, 0.8, "training time of A")
    until(page, "s.playhead > 450 && !s.following", first)
    for source in (first, second):
        until(page, f"s.playhead === {look(page, 's.playhead', first)}", source)
    page.keyboard.press("r")
    for source in (first, second):
        until(page, "s.playhead === 0", source)
    page.wait_for_url(re.compile("pair"))
    names = lanes.all_inner_texts()
    page.reload()
    page.wait_for_function(IDLE, timeout=60_000)
    expect(lanes).to_have_count(2)
    until(page, "s.frames.length > 5", second)
    expect(page.locator(".between").first).to_contain_text(f"Equal up to step {step}")
    assert lanes.all_inner_texts() == names


def test_a_fork_with_nothing_changed_ends_as_its_parent(visit: Open) -> None:
    page, first = finished(visit, "/vae?steps=400")
    scrub(page, 0.6)
    second, _ = fork(page, first)
    page.keyboard.press(" ")
    until(page, "s.status.state === 'done'", second)
    ends = [
        look(page, "[...s.metrics].map(([name, m]) => [name, m.steps.at(-1), m.values.at(-1)])", id) for id in (first, second)
    ]
    assert ends[0] == ends[1]
    page.keyboard.press("c")
    expect(page.locator(".between").first).to_contain_text("No knob differs")


def test_a_strip_is_chosen_taken_off_and_kept(visit: Open) -> None:
    page, first = finished(visit, "/vae?steps=300")
    scrub(page, 0.5)
    second, step = fork(page, first)
    enter(page, "lr", "0.01")
    until(page, "s.edits.length === 1", second)
    page.locator(".lane").first.locator(".name").click()
    page.wait_for_url(re.compile(f"run={first.removeprefix('run:')}"))
    page.wait_for_function(IDLE)
    shows(page, "lr", "0.002")  # the form is that of the chosen one
    page.go_back()
    expect(page.locator(".lane.active")).to_contain_text("fork of A")
    page.go_forward()
    expect(page.locator(".lane.active")).to_contain_text("the first run")
    page.wait_for_function(IDLE)
    for _ in range(2):
        page.keyboard.press("f")
        page.wait_for_timeout(500)
        expect(page.locator(".lane.active")).to_contain_text("fork of A")
        page.locator(".lane").first.locator(".name").click()
    expect(page.locator(".lane")).to_have_count(4)
    page.keyboard.press("f")
    expect(page.get_by_text("Four runs are on the stage")).to_be_visible()
    page.locator(".lane").nth(1).get_by_role("button", name="Take it off").click()
    expect(page.locator(".lane")).to_have_count(3)
    page.wait_for_function("was => !location.search.includes(was)", arg=second.removeprefix("run:"))
    page.goto(page.url.partition("/vae")[0] + "/runs")
    expect(page.get_by_text(re.compile(f"fork at step {step}: see both")).first).to_be_visible()
    expect(page.get_by_text(re.compile("paused at step .* lr 0.01")).first).to_be_visible()


def test_a_knob_that_is_not_live_begins_a_run_beside_its_parent(visit: Open) -> None:
    page, first = finished(visit, "/vae?steps=300")
    enter(page, "hidden", "16")
    page.wait_for_function("location.search.includes('hidden=16')")
    expect(page.get_by_text("with the same seed, drawn beside this one")).to_be_visible()
    page.get_by_role("button", name="Train anew").click()
    page.wait_for_url(re.compile("beside="), timeout=60_000)
    expect(page.locator(".lane")).to_have_count(2)
    expect(page.locator(".lane.active")).to_contain_text("anew from step 0: hidden = 16")
    expect(page.locator(".lane").first).to_contain_text("the first run")


def test_what_cannot_be_forked_is_said(visit: Open, server: Server) -> None:
    page = visit("/vae")
    until(page, "s.frames.length > 0", "pretrained:vae-moons")
    page.keyboard.press("f")
    expect(page.get_by_text("A shipped recording has no run to fork")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_text("One run alone is on the stage")).to_be_visible()
    _, first = finished(visit, "/vae?steps=50")
    gone = visit(f"/vae?run={first.removeprefix('run:')}&beside=vae-0,{first.removeprefix('run:')}")
    expect(gone.get_by_text(re.compile("there is no run 'vae-0'"))).to_be_visible()


def test_on_a_phone_a_pair_stands_one_below_the_other(visit: Open) -> None:
    page, first = finished(visit, "/vae?steps=300", width=390, height=844)
    second, _ = fork(page, first)
    page.get_by_role("button", name="pair").click()
    expect(page.get_by_role("button", name="pair")).to_have_attribute("aria-pressed", "true")
    panes = page.locator('.pane[data-pane="data"]:has(.badge) .frame')
    expect(panes).to_have_count(2)
    boxes = [pane.bounding_box() for pane in panes.all()]
    assert boxes[0] and boxes[1]
    assert boxes[0]["x"] == boxes[1]["x"]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
