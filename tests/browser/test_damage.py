"""A plane of damage and load that is painted with recalls: by pointer, keys and finger, filled, taken back, had from a link."""

import json
import re

import pytest
from driver import Open
from playwright.sync_api import Locator, Page, Position, expect
from test_race import INKED
from test_stage import look, until

pytestmark = pytest.mark.xdist_group("browser")
SOURCE = "damage:pretrained:hopfield-digits"
PAINTED = "[...Array(s.cells).keys()].filter(c => s.fates(c).some(n => n)).length"
PICTURE = "[...Array(s.cells).keys()].map(c => s.fates(c).join()).join(' ')"
SHARE = "(row, fate) => { const n = s.near(row); return n[fate] / n.reduce((a, b) => a + b) }"  # recalled, another, inverse …


def opened(visit: Open, view: dict[str, object] | None = None, **how: int | bool) -> tuple[Page, Locator, Locator]:
    page = visit(f"/hopfield?preset=digits&damage={json.dumps({'damage': {'units': 64, **(view or {})}})}", **how)
    return page, *reached(page)


def reached(page: Page) -> tuple[Locator, Locator]:
    """The card and its plane, in sight, where alone it is laid out and paints, and where it stays."""
    card = page.locator(".st-key-card-damage")
    canvas = card.locator("canvas.paintable")
    until(page, "s.ground && s.units === 64", SOURCE)
    place: object = None
    for _ in range(100):
        card.scroll_into_view_if_needed()
        page.wait_for_timeout(400)  # what is above may come late, and push it down
        if canvas.count() and place == (place := canvas.bounding_box()):
            break
    canvas.scroll_into_view_if_needed()
    return card, canvas


def spot(canvas: Locator, across: float, up: float) -> Position:
    """A share of the canvas in pixels."""
    box = canvas.bounding_box()
    assert box
    return {"x": across * box["width"], "y": (1 - up) * box["height"]}


def test_strokes_are_painted_told_and_taken_back(visit: Open) -> None:
    page, card, canvas = opened(visit)
    expect(card).to_contain_text("How far may a memory be damaged?")
    undo = card.get_by_role("button", name="undo", exact=True)
    expect(undo).to_be_disabled()
    before = canvas.evaluate(INKED)
    canvas.hover(position=spot(canvas, 0.2, 0.3))
    page.mouse.down()
    canvas.hover(position=spot(canvas, 0.6, 0.7))
    page.mouse.up()
    until(page, f"!s.busy && {PAINTED} > 20", SOURCE)
    painted = look(page, PAINTED, SOURCE)
    expect(card.locator(".told")).to_have_text(re.compile(r"\d+ memories, \d+ % of 64 bits flipped: of \d+ recalls? \d+ "))
    expect(card.locator(".said")).to_have_text(re.compile("overlap .* with memory"))
    page.wait_for_function(f"([canvas, before]) => ({INKED})(canvas) > before", arg=[canvas.element_handle(), before])
    expect(canvas).to_have_attribute("aria-label", re.compile(rf"{painted} of 969 places are painted; of all recalls \d+ "))
    canvas.click(position=spot(canvas, 0.3, 0.8))
    until(page, f"!s.busy && {PAINTED} > {painted}", SOURCE)
    undo.click()
    until(page, f"{PAINTED} === {painted}", SOURCE)
    canvas.focus()
    page.keyboard.press("Control+z")
    until(page, f"{PAINTED} === 0 && !s.painted", SOURCE)
    noise = look(page, "s.noise", SOURCE)
    for key in ("Shift+ArrowLeft", "ArrowRight", " "):
        page.keyboard.press(key)
    until(page, f"!s.busy && {PAINTED} > 0 && s.noise === {noise} - 4", SOURCE)
    expect(card.locator(".told")).to_contain_text(f" {look(page, 's.noise', SOURCE)} % of 64 bits flipped: of 1 recall 1 ")


def test_it_is_filled_and_had_again_from_the_link_by_other_rules_and_all_at_once(visit: Open) -> None:
    page, card, _ = opened(visit)
    card.get_by_role("button", name="fill", exact=True).click()
    until(page, f"!s.busy && {PAINTED} === s.cells", SOURCE)
    page.wait_for_url(re.compile("filled"))
    assert look(page, f"({SHARE})(0, 0) === 1 && ({SHARE})(18, 3) > 0.5", SOURCE), "one is recalled, too many are spurious"
    picture = look(page, PICTURE, SOURCE)
    page.reload()
    reached(page)
    until(page, f"s.painted && !s.busy && {PAINTED} === s.cells", SOURCE)
    assert look(page, PICTURE, SOURCE) == picture
    card.get_by_label("rule", exact=True).select_option("pinv")
    until(page, f"s.of.rule === 'pinv' && !s.busy && {PAINTED} === s.cells && ({SHARE})(18, 0) > 0.6", SOURCE)
    expect(card.get_by_text("swings")).to_have_count(0)
    card.get_by_role("button", name="all at once", exact=True).click()
    card.get_by_label("rule", exact=True).select_option("hebb")
    until(page, f"s.of.together && s.of.rule === 'hebb' && !s.busy && ({SHARE})(18, 4) > 0.03", SOURCE)
    expect(card.get_by_text("swings", exact=True)).to_be_visible()
    page.wait_for_url(re.compile("together"))
    card.get_by_label("memories", exact=True).select_option("own")
    until(page, f"s.of.own && s.rows === 10 && !s.busy && {PAINTED} === s.cells", SOURCE)
    card.get_by_role("button", name="wipe", exact=True).click()
    until(page, f"{PAINTED} === 0 && !s.painted", SOURCE)
    page.wait_for_url(lambda url: "filled" not in url and "own" in url)


def test_a_finger_paints_on_a_phone(visit: Open) -> None:
    page, card, canvas = opened(visit, {"rule": "storkey"}, width=390, dark=True, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    canvas.tap(position=spot(canvas, 0.3, 0.5))
    until(page, f"!s.busy && {PAINTED} > 3", SOURCE)
    expect(card.locator(".told")).to_contain_text("of 1 recall 1 ")
