"""What a person does: open, play, train, pause, step, scrub, drag, reload. Real Chromium, real server."""

import re

import pytest
import torch
from driver import IDLE, Open, Server, enter, shows
from playwright.sync_api import Page, expect

import genviz
from genviz.catalog import CARDS
from genviz.model import Decodes
from genviz.studio.shell import page_files

pytestmark = pytest.mark.xdist_group("browser")  # one Chromium at a time is enough for a laptop
PAGES = ["", *page_files()]
DECODE = """([id, codes]) => { const decode = window.__genviz.sources.get(id).program("decode");
  return codes.map(z => [...decode(Float32Array.from(z))]) }"""


SENT = """() => { const sent = window.__sent = [];
  const send = WebSocket.prototype.send, fetched = window.fetch;
  WebSocket.prototype.send = function (data) { sent.push(`socket ${this.url}`); return send.call(this, data) };
  window.fetch = (...what) => { sent.push(`fetch ${what[0]}`); return fetched(...what) } }"""

MARKED = """canvas => { const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let accent = 0;
  for (let i = 0; i < data.length; i += 4) accent += data[i] === 91 && data[i + 1] === 91 && data[i + 2] === 214;
  return accent > 20 }"""  # the ring round the chosen point is the only thing of that colour


def look(page: Page, expression: str, source: str) -> object:
    """A value of the store's source, `s` in the expression."""
    script = f"id => {{ const s = window.__genviz.sources.get(id); return {expression} }}"
    return page.evaluate(script, source)


def until(page: Page, expression: str, source: str) -> None:
    script = f"id => {{ const s = window.__genviz?.sources.get(id); return Boolean(s && ({expression})) }}"
    page.wait_for_function(script, arg=source, timeout=60_000)


def train(page: Page) -> str:
    """Press Train; the id of the run's source once its first frames are drawn."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile(r"run="), timeout=60_000)
    source = "run:" + re.search(r"run=([\w.-]+)", page.url)[1]  # pyright: ignore[reportOptionalSubscript]
    until(page, "s.frames.length > 5", source)
    return source


@pytest.mark.parametrize("slug", PAGES)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True)])
def test_a_cold_link_opens_every_page(visit: Open, slug: str, width: int, dark: bool) -> None:
    page = visit(f"/{slug}", width=width, dark=dark)
    expect(page.locator("h1").first).to_contain_text(CARDS[slug].title if slug in CARDS else "genviz" if not slug else "")
    page.wait_for_timeout(500)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == dark


def test_a_shipped_preset_plays_by_itself_to_its_end(visit: Open) -> None:
    page, source = visit("/vae"), "pretrained:vae-moons"
    until(page, "s.playing && s.playhead > 0", source)
    page.get_by_role("slider", name="training time").focus()
    page.keyboard.press("End")
    until(page, "s.playhead === s.frames.at(-1).step", source)


def test_train_pause_step_scrub_and_reload(visit: Open) -> None:
    page = visit("/vae?steps=100000")
    source = train(page)
    status = page.locator(".status").first
    expect(status).to_contain_text("training")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(status).to_contain_text("paused at step", timeout=20_000)
    at = look(page, "s.status.step", source)
    page.get_by_role("button", name="One step", exact=True).click()
    until(page, f"s.status.state === 'paused' && s.status.step === {at} + 1", source)
    bar = page.get_by_role("slider", name="training time")
    box = bar.bounding_box()
    assert box
    recorded = look(page, "s.frames.at(-1).step / Math.max(s.status.until, s.frames.at(-1).step)", source)
    assert isinstance(recorded, int | float)
    page.mouse.click(box["x"] + box["width"] * recorded / 2, box["y"] + box["height"] / 2)
    until(page, "!s.following && s.playhead < s.frames.at(-1).step", source)
    playhead = look(page, "s.playhead", source)
    page.wait_for_url(re.compile("following%22%3Afalse"))
    frames = look(page, "s.frames.length", source)
    page.reload()
    page.wait_for_function(IDLE, timeout=60_000)
    until(page, f"s.frames.length >= {frames}", source)  # nothing that was written is lost
    until(page, f"Math.abs(s.playhead - {playhead}) < 1", source)
    assert look(page, "s.problem", source) == ""
    other = visit(page.url[page.url.index("/vae") :])  # a second tab sees the same run
    until(other, f"s.frames.length >= {frames}", source)
    assert page.evaluate("window.__genviz.stats.gaps") == other.evaluate("window.__genviz.stats.gaps") == 0


def test_space_pauses_after_a_click_on_a_button_and_presses_one_that_was_tabbed_to(visit: Open) -> None:
    page = visit("/vae?steps=100000")
    source = train(page)
    page.locator("button", has_text="Train anew").first.wait_for()
    page.keyboard.press(" ")  # the focus is still on the button that was clicked
    expect(page.locator(".status").first).to_contain_text("paused at step", timeout=20_000)
    assert source.removeprefix("run:") in page.url, "no second run was started"
    slow = page.get_by_role("button", name="slow").first
    slow.click()
    expect(slow).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(" ")
    expect(slow).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.keyboard.press(" ")
    expect(slow).to_have_attribute("aria-pressed", "false")


def test_a_point_chosen_among_the_data_is_chosen_among_the_codes(visit: Open) -> None:
    page = visit("/vae?steps=300")
    source = train(page)
    until(page, "s.status.state === 'done' && s.program('decode')", source)
    panes = [page.locator(f'[data-pane="{name}"] canvas').first for name in ("data", "plane")]
    box = panes[0].bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 200)
    assert [pane.evaluate(MARKED) for pane in panes] == [False, False]
    for share in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6):  # some column of the plane has a point within reach
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.45)
        if look(page, "s.selection", source) != -1:
            break
    until(page, "s.selection >= 0", source)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 200)
    for pane in panes:
        page.wait_for_function(MARKED, arg=pane.element_handle())
    expect(page.get_by_role("button", name="its reconstruction").first).to_be_visible()
    page.mouse.click(box["x"] + 2, box["y"] + 2)  # a click on nothing
    assert look(page, "s.selection", source) != -1


def test_a_page_starts_at_the_beginning_whatever_the_home_page_was_showing(visit: Open) -> None:
    page, source = visit("/"), "pretrained:vae-moons"
    link = page.get_by_role("link", name=re.compile("Variational autoencoder")).first
    until(page, "s.scene", source)
    page.wait_for_timeout(2000)  # other cards above may still grow
    link.evaluate("e => e.scrollIntoView({block: 'center'})")  # what is not in sight does not play
    until(page, "s.playing && s.playhead > s.frames.at(-1).step / 2", source)
    link.click()
    page.locator(".transport").first.wait_for()
    until(page, "s.playing && s.playhead < s.frames.at(-1).step / 4", source)


def test_a_live_knob_edits_the_run_and_is_told(visit: Open) -> None:
    page = visit("/vae?steps=100000")
    source = train(page)
    enter(page, "lr", "0.0005")
    until(page, "s.edits.some(e => e.args.lr === 0.0005)", source)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".status").first).to_contain_text("paused", timeout=20_000)


def test_slow_motion_tells_an_update_in_captions(visit: Open) -> None:
    page = visit("/vae?steps=100000")
    source = train(page)
    page.get_by_role("button", name="slow").first.click()
    until(page, "s.shots.length >= 4", source)
    expect(page.get_by_text(re.compile("minibatch arrives|guesses a cloud|picks one code|decoder draws")).first).to_be_visible()


@pytest.mark.parametrize("preset", ["moons", "mnist-plane"])
def test_dragging_decodes_in_the_browser_as_pytorch_does(visit: Open, preset: str) -> None:
    source = f"pretrained:vae-{preset}"
    page = visit(f"/vae?preset={preset}")
    until(page, "s.frames.length > 0 && s.program('decode')", source)
    z = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    ours = torch.tensor(page.evaluate(DECODE, [source, z.tolist()]))
    model = genviz.load(f"vae-{preset}")
    assert isinstance(model, Decodes)
    torch.testing.assert_close(ours, model.decode(z), atol=1e-4, rtol=0)
    look(page, "(s.play(false), s.seek(s.frames.at(-1).step))", source)
    page.wait_for_timeout(1500)
    page.evaluate(SENT)
    box = page.locator('[data-pane="plane"] canvas').first.bounding_box()
    assert box
    seen = set()
    for i in range(20):
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.02 * i), box["y"] + box["height"] * 0.5)
        seen.add(str(look(page, "s.cursor && [...s.cursor]", source)))
    assert len(seen) > 15, "the pointer chooses a code"
    assert page.evaluate("window.__sent") == [], "dragging asks the server for nothing"


def test_a_click_asks_for_the_exact_posterior(visit: Open) -> None:
    source = "pretrained:vae-moons"
    page = visit("/vae")
    until(page, "s.frames.length > 0", source)
    look(page, "(s.play(false), s.seek(s.frames.at(-1).step))", source)
    box = page.locator('[data-pane="plane"] canvas').first.bounding_box()
    assert box
    for share in (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65):  # some column of the plane has a point within reach
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.5)
        if look(page, "s.selection", source) != -1:
            break
    until(page, "s.selection >= 0", source)
    page.locator(".st-key-posterior-pretrained-vae-moons, .st-key-card-posterior").first.scroll_into_view_if_needed()
    expect(page.get_by_text("gap = KL(q ‖ posterior)").first).to_be_visible(timeout=30_000)


def test_a_link_with_a_picture_in_it_fetches_nothing_from_elsewhere(visit: Open) -> None:
    page = visit("/vae?preset=![p](http://elsewhere.invalid/a.png)&run=![r](http://elsewhere.invalid/b.png)")
    expect(page.get_by_text("no preset").first).to_be_visible()


def test_switching_presets_carries_no_code_over(visit: Open) -> None:
    page = visit("/vae?preset=digits-10")
    until(page, "s.frames.length > 0 && s.program('decode')", "pretrained:vae-digits-10")
    box = page.locator('[data-pane="plane"] canvas').first.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.wait_for_url(re.compile("view="))
    for preset in ("digits", "mnist"):
        page.locator(".st-key-controls").get_by_text(preset, exact=True).first.click()
        until(page, "s.frames.length > 0 && s.program('decode')", f"pretrained:vae-{preset}")
        page.wait_for_timeout(1000)


def test_knobs_and_view_come_back_from_the_link(visit: Open) -> None:
    page = visit('/vae?preset=digits&beta=0.5&view={"playhead":100,"following":false,"hidden":["plane/prior"]}')
    until(page, "Math.abs(s.playhead - 100) < 1", "pretrained:vae-digits")
    shows(page, "beta", "0.5")
    expect(page.get_by_role("button", name=re.compile("^prior")).first).to_have_attribute("aria-pressed", "false")


def test_a_restarted_server_loses_nothing(visit: Open, server: Server) -> None:
    page = visit("/vae?steps=100000")
    source = train(page)
    frames = look(page, "s.frames.length", source)
    server.stop()
    server.start()
    until(page, "s.problem === ''", source)
    page.reload()
    page.wait_for_function(IDLE, timeout=60_000)
    until(page, f"s.frames.length >= {frames}", source)
    expect(page.locator(".status").first).to_contain_text(re.compile("paused|interrupted|stopped"), timeout=30_000)
