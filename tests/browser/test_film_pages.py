"""Films as a person plays with them: open, play, scrub, set, drag a particle, hold a coordinate, complete a picture."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from driver import IDLE, Open, Server
from playwright.sync_api import Page, expect

from genviz.service.recorder import Recorder

pytestmark = pytest.mark.xdist_group("browser")
SEEN = {"8gaussians": {"T": 20, "hidden": 16}, "digits": {"T": 12, "schedule": "cosine", "readout": "x0", "hidden": 16}}
STEPS = 30


@pytest.fixture(scope="session")
def recorded(server: Server) -> Iterator[dict[str, str]]:
    """Short runs of diffusion, finished before anybody looks; by data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENVIZ_HOME", str(server.home))
        ids = {}
        for data, knobs in SEEN.items():
            run = Recorder.create("diffusion", knobs, data, 0, STEPS)
            run.play()
            while run.state != "done":
                run.slice(0.05)
            run.stop()
            ids[data] = run.folder.id
        yield ids


class Film:
    """A film on its page, once it is there."""

    def __init__(self, page: Page, run: str, panel: str, begins: str = "s.playing") -> None:
        self.page, self.id = page, f"film:{run if ':' in run else f'run:{run}'}/{panel}"
        self.card = page.locator(f".st-key-card-{panel}")
        self.card.wait_for(timeout=60_000)
        self.card.scroll_into_view_if_needed()
        self.until(f"s.frames.length > 1 && !s.film.loading && {begins}")  # it plays by itself when it is first seen

    def look(self, expression: str) -> Any:
        return self.page.evaluate(f"id => {{ const s = window.__genviz.sources.get(id); return {expression} }}", self.id)

    def until(self, expression: str) -> None:
        script = f"id => {{ const s = window.__genviz?.sources.get(id); return Boolean(s && ({expression})) }}"
        self.page.wait_for_function(script, arg=self.id, timeout=60_000)

    def made_with(self, part: str) -> None:
        """Until the film on the screen is the one that was asked for with this."""
        self.until(f"!s.film.loading && s.shown.includes('{part}')")

    def at(self, step: float) -> None:
        self.look(f"(s.play(false), s.seek({step}))")

    def box(self, selector: str) -> tuple[float, float, float, float]:
        found = self.card.locator(selector).first
        found.scroll_into_view_if_needed()
        box = found.bounding_box()
        assert box
        return box["x"], box["y"], box["width"], box["height"]


def drag(page: Page, *places: tuple[float, float]) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def test_a_film_plays_scrubs_and_keeps_its_time_when_it_is_set_anew(visit: Open, recorded: dict[str, str]) -> None:
    page = visit(f"/diffusion?run={recorded['8gaussians']}")
    film = Film(page, recorded["8gaussians"], "chain")
    assert film.look("s.frames.length") == 21
    film.until("s.playhead > 0")
    film.at(0)
    expect(film.card.get_by_text("The noise of 20 steps is left.")).to_be_visible()
    film.card.get_by_role("button", name="One step", exact=True).click()
    assert film.look("s.playhead") == 1
    expect(film.card.get_by_text("The noise of 19 steps is left.")).to_be_visible()
    x, y, w, h = film.box(".strip")
    page.mouse.click(x + w / 2, y + h / 2)
    film.until("Math.abs(s.playhead - 10) < 0.3")
    at, before = film.look("s.playhead"), film.look("[...s.frames[10].layers['chain/particles'].tensors.xy.data]")
    film.card.get_by_role("button", name="new noise").click()
    film.made_with("seed=1")
    assert film.look("s.playhead") == at
    assert film.look("[...s.frames[10].layers['chain/particles'].tensors.xy.data]") != before
    steps = film.card.get_by_label("ddim steps")
    steps.fill("5")
    steps.press("Enter")
    film.until("s.frames.length === 6")
    steps.fill("900")
    steps.press("Enter")
    expect(film.card.get_by_text("ddim_steps = 900: give 1 to T = 20 steps").first).to_be_visible()
    steps.fill("4")
    steps.press("Enter")
    film.until("s.frames.length === 5 && s.problem === ''")
    page.wait_for_url(re.compile(r"film\.chain=.*ddim_steps%22%3A4"))
    page.reload()
    page.wait_for_function(IDLE, timeout=60_000)
    Film(page, recorded["8gaussians"], "chain", "s.frames.length === 5").made_with("seed=1")  # the link holds what was set


def test_a_dragged_particle_is_solved_both_ways_without_the_server(visit: Open, recorded: dict[str, str]) -> None:
    page = visit(f"/diffusion?run={recorded['8gaussians']}")
    film = Film(page, recorded["8gaussians"], "undoing")
    film.at(12)
    film.until("s.program('reverse') && s.program('invert')")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    x, y, w, h = film.box('[data-pane="reverse"] canvas')
    page.mouse.move(x + w / 2, y + h / 2)
    page.mouse.down()
    cursors = set()
    for k in range(10):
        page.mouse.move(x + w / 2 + 6 * k, y + h / 2 - 3 * k)
        cursors.add(str(film.look("[...s.cursor]")))
    page.mouse.up()
    assert len(cursors) == 10
    assert film.look("s.cursor[2]") == 8, "at the chain time of the playhead"
    assert not [url for url in sent if "/api/" in url]
    canvas = film.card.locator('[data-pane="reverse"] canvas')
    expect(canvas).to_have_attribute("aria-label", re.compile(r"a particle at \("))
    here = canvas.get_attribute("aria-label")
    film.at(20)
    expect(canvas).not_to_have_attribute("aria-label", here or "")  # it moves along
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert film.look("s.cursor[2]") == 0
    page.keyboard.press("Escape")
    assert film.look("s.cursor") is None


def test_a_coordinate_is_held(visit: Open, recorded: dict[str, str]) -> None:
    page = visit(f"/diffusion?run={recorded['8gaussians']}")
    film = Film(page, recorded["8gaussians"], "chain")
    film.at(20)
    x, y, w, h = film.box(".grip.below")
    drag(page, (x + w / 2, y + h / 2), (x + w / 2 + 120, y + h / 2))
    film.made_with("clamp=")
    held = film.look("s.film.clamp[0]")
    xs = film.look("[...s.frames.at(-1).layers['chain/particles'].tensors.xy.data].filter((_, i) => i % 2 === 0)")
    assert max(abs(value - held) for value in xs) < 0.05
    expect(film.card.get_by_text("Are the completions those of the truth?")).to_be_visible()
    grip = film.card.get_by_role("slider", name=re.compile("Drag to hold"))
    grip.first.focus()
    page.keyboard.press("ArrowRight")
    assert film.look("s.film.clamp[0]") > held
    film.card.get_by_role("button", name="clear").click()
    film.until("!s.film.clamp && !s.film.loading")


def test_a_picture_is_completed_where_it_was_wiped(visit: Open, recorded: dict[str, str]) -> None:
    page = visit(f"/diffusion?run={recorded['digits']}")
    film = Film(page, recorded["digits"], "completing")
    film.card.get_by_role("button", name="another picture").click()
    film.made_with("point=1")
    film.at(12)
    x, y, _, h = film.box('[data-pane="completing"] canvas')
    width = film.box('[data-pane="completing"] canvas')[2]
    drag(page, (x + width * 0.22, y + h * 0.45), (x + width * 0.27, y + h * 0.55))
    film.made_with("clamp=")
    wiped = film.look("[...s.film.clamp].map(Number.isNaN)")
    assert 0 < sum(wiped) < 64
    made = film.look("(() => { const p = s.frames.at(-1).layers['completing/completions'].tensors.pixels.data;"
                     " return Array.from({length: 12}, (_, k) => [...p.slice(64 * k, 64 * k + 64)]) })()")  # fmt: skip
    known = film.look("[...s.film.clamp].map(x => Number.isNaN(x) ? null : x)")
    assert len(made) == 12
    assert all(abs(row[i] - known[i]) < 0.02 for row in made for i in range(64) if not wiped[i])
    assert any(abs(made[0][i] - made[1][i]) > 0.02 for i in range(64) if wiped[i]), "the completions differ"
    page.keyboard.press("Control+z")
    canvas = film.card.locator('[data-pane="completing"] canvas')
    canvas.focus()
    page.keyboard.press("Control+z")
    film.until("!s.film.clamp")
    page.keyboard.press("Enter")  # a dab by keys
    film.until("s.film.clamp")
    page.keyboard.press("Escape")
    film.until("!s.film.clamp")


def test_a_link_keeps_what_was_wiped_of_a_large_picture(visit: Open) -> None:
    page = visit("/rbm?preset=mnist")
    film = Film(page, "pretrained:rbm-mnist", "completing")
    film.at(5)
    x, y, width, height = film.box('[data-pane="completing"] canvas')
    drag(page, (x + width * 0.2, y + height * 0.4), (x + width * 0.3, y + height * 0.6))
    film.made_with("clamp=")
    forgotten = "[...s.film.clamp].flatMap((x, i) => Number.isNaN(x) ? [i] : [])"
    wiped = film.look(forgotten)
    assert 10 < len(wiped) < 784
    page.wait_for_function("decodeURIComponent(location.search).includes('forgotten')")
    address = urlsplit(page.url)
    again = Film(visit(f"{address.path}?{address.query}"), "pretrained:rbm-mnist", "completing", "s.scene")
    again.made_with("clamp=")
    assert again.look(forgotten) == wiped


def test_on_a_phone_the_lab_fits_and_works(visit: Open, recorded: dict[str, str]) -> None:
    page = visit(f"/diffusion?run={recorded['digits']}", width=390)
    film = Film(page, recorded["digits"], "completing")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    film.at(12)
    x, y, w, h = film.box('[data-pane="completing"] canvas')
    drag(page, (x + w * 0.2, y + h * 0.2), (x + w * 0.3, y + h * 0.25))
    film.until("s.film.clamp")
