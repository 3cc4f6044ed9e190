"""The energy family played: memories recalled from damaged ones, hidden units held, levels that recognise, settling."""

import re

import pytest
import torch
from driver import Open
from playwright.sync_api import Page, expect
from programs import run as execute
from test_stage import look, until
from test_walk import COINS

from genviz.checkpoint import load
from genviz.paths import PRETRAINED
from genviz.rng import Rng

pytestmark = pytest.mark.xdist_group("browser")
ALIKE = 0.9999  # as a number drawn, it leaves the units in their order, see `sweep` in programs.ts


def walking(visit: Open, link: str, source: str, touch: bool = False) -> tuple[Page, str]:
    """A page whose chain has begun, and that chain."""
    page, walk = visit(link, touch=touch), f"walk:{source}/gibbs"
    page.locator(".walkbar").scroll_into_view_if_needed()
    until(page, "s.frames.length && s.program('gibbs')", walk)
    return page, walk


def test_a_damaged_memory_is_recalled_downhill(visit: Open) -> None:
    page, walk = walking(visit, "/hopfield?preset=digits", "pretrained:hopfield-digits")
    stage = page.locator(".stage", has=page.locator(".walkbar"))
    assert look(page, "[s.walk.temperature, s.walk.flips, s.walk.view.begin].join()", walk) == "0,0.15,data"
    assert look(page, "s.walk.grains.join()", walk) == "unit,sweep"
    stage.get_by_role("button", name="Play", exact=True).click()
    until(page, "s.frames.length > 8", walk)
    energies = look(page, "s.metrics.get('energy').values", walk)
    assert isinstance(energies, list) and len(energies) > 16  # also within a sweep
    assert all(after <= before + 1e-4 for before, after in zip(energies, energies[1:], strict=False))
    best = look(page, "Math.max(...[...Array(10).keys()].map(k => s.metrics.get(`overlap ${k + 1}`).values.at(-1)))", walk)
    assert best == pytest.approx(1, abs=1e-6), "it has come to rest at a memory"
    stage.get_by_role("button", name="Pause", exact=True).click()  # else the next sweep mends what is turned
    stage.get_by_role("slider", name="flipped, percent").fill("40")
    page.wait_for_url(re.compile("flips"))
    stage.get_by_role("button", name="hold", exact=True).click()
    board = stage.locator('[data-pane="board"] canvas')
    board.scroll_into_view_if_needed()
    before = look(page, "[...s.frames.at(-1).layers['board/x'].tensors.values.data].join('')", walk)
    board.focus()
    page.keyboard.press(" ")  # turned, but not held
    after = look(page, "[...s.frames.at(-1).layers['board/x'].tensors.values.data].join('')", walk)
    assert isinstance(before, str) and isinstance(after, str)
    assert after[1:] == before[1:] and after[0] != before[0]
    assert look(page, "s.walk.clamp.every(Number.isNaN)", walk)


def test_a_point_is_put_somewhere_and_rolls_to_a_valley(visit: Open) -> None:
    page, walk = walking(visit, "/hopfield?preset=moons", "pretrained:hopfield-moons")
    canvas = page.locator('.stage:has(.walkbar) [data-pane="board"] canvas')
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"], steps=4)
    page.mouse.up()
    at = look(page, "[s.walk.stands(0), s.walk.stands(1)]", walk)
    assert isinstance(at, list)
    look(page, "s.send('step', {n: 30})", walk)
    model = load(PRETRAINED / "hopfield-moons.safetensors")
    *_, last = model.chain(1, Rng(0), torch.tensor([at]))  # pyright: ignore
    end = look(page, "[s.walk.stands(0), s.walk.stands(1)]", walk)
    torch.testing.assert_close(torch.tensor(end), last.x[0], atol=1e-2, rtol=0)


@pytest.mark.parametrize(("preset", "d"), [("bars-and-stripes", 9), ("encoder424", 8)])
def test_a_sweep_unit_by_unit_is_that_of_pytorch(visit: Open, preset: str, d: int) -> None:
    page = visit(f"/boltzmann?preset={preset}")
    source = f"pretrained:boltzmann-{preset}"
    until(page, "s.frames.length && s.program('gibbs')", source)
    model = load(PRETRAINED / f"boltzmann-{preset}.safetensors")
    programs, tensors = model.client(), model.state_dict()  # pyright: ignore
    n, rng = len(tensors["net.b"]), torch.Generator().manual_seed(0)
    x, u = (torch.rand(50, n, generator=rng) < 0.5).float(), torch.rand(50, n, generator=rng)
    numbers = torch.cat([torch.full((50, n - 1), ALIKE), u], 1)
    theirs = page.evaluate(COINS, [source, "gibbs", x.tolist(), numbers.flatten().tolist()])
    given = iter(u.unbind(1))
    end, registers = execute(programs["gibbs"], tensors, x, coin=lambda p: (next(given) < p).float())
    assert torch.equal(torch.tensor([row["y"] for row in theirs]), end)
    assert torch.equal(torch.tensor([row["h"] for row in theirs]), registers["h"]) and registers["h"].shape[1] == n - d
    found = page.evaluate(COINS, [source, "energy", x.tolist(), []])
    ours, _ = execute(programs["energy"], tensors, x)
    torch.testing.assert_close(torch.tensor([row["y"] for row in found]), ours, atol=1e-3, rtol=1e-4)


def test_hidden_units_are_held_too_and_the_bars_know_it(visit: Open) -> None:
    page, walk = walking(visit, "/boltzmann?preset=bars-and-stripes", "pretrained:boltzmann-bars-and-stripes")
    stage = page.locator(".stage", has=page.locator(".walkbar"))
    expect(stage.locator('[data-pane="hidden"]')).to_be_visible()
    hidden = stage.locator('[data-pane="hidden"] canvas')
    hidden.scroll_into_view_if_needed()
    hidden.focus()
    page.keyboard.press(" ")
    assert look(page, "s.walk.clamp[9]", walk) == 1
    stage.get_by_role("button", name="Play", exact=True).click()
    until(page, "s.frames.length > 40", walk)
    stage.get_by_role("button", name="Pause", exact=True).click()
    held = "s.frames.slice(-20).every(f => f.layers['hidden/h'].tensors.values.data[0] === 1)"
    assert look(page, held, walk)
    expect(stage.get_by_text("total variation to the exact")).to_be_visible()
    page.wait_for_url(re.compile("clamp"))
    page.reload()
    until(page, "s.frames.length && s.walk.view.clamp === '9+'", walk)


def test_a_finger_holds_features_of_features_and_slow_motion_goes_through_all_layers(visit: Open) -> None:
    page, walk = walking(visit, "/dbm?preset=bars-and-stripes", "pretrained:dbm-bars-and-stripes", touch=True)
    stage = page.locator(".stage", has=page.locator(".walkbar"))
    stage.locator('[data-pane="visits"]').scroll_into_view_if_needed()
    p = "s.frames.at(-1).layers['visits/states'].tensors.values.data.reduce((a, b) => a + b, 0)"
    until(page, f"Math.abs({p} - 1) < 1e-3", walk)  # 2^18 states, listed a slice at a time
    above = stage.locator('[data-pane="h2"] canvas')
    above.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # until it is laid out
    box = above.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    held = look(page, "[...s.walk.clamp.keys()].filter(i => s.walk.clamp[i] === 1)", walk)
    assert isinstance(held, list) and len(held) == 1 and held[0] >= 9, "the unit under the finger, of the second layer"
    stage.get_by_role("button", name="slow", exact=True).click()
    stage.get_by_role("button", name="layer", exact=True).click()
    stage.get_by_role("button", name="Play", exact=True).click()
    boards = set[str]()
    for _ in range(200):
        boards.add(str(look(page, "s.walk.spot?.board ?? ''", walk)))
        if look(page, "s.frames.length", walk) != 1:
            break
        page.wait_for_timeout(100)
    assert boards - {""} == {"h", "x", "h2"}
    until(page, "s.frames.length > 2", walk)
    assert look(page, f"s.walk.stands({held[0]})", walk) == 1


def test_a_stack_dreams_of_the_class_that_is_held(visit: Open) -> None:
    page, walk = walking(visit, "/dbn?preset=digits-labels", "pretrained:dbn-digits-labels")
    classes = page.locator('.stage:has(.walkbar) [data-pane="label"] canvas')
    classes.scroll_into_view_if_needed()
    classes.focus()
    for key in ("ArrowRight", " ", "ArrowRight", "ArrowRight", " "):  # 1, and then 3 in its place
        page.keyboard.press(key)
    first = 64 + 128
    assert look(page, "[...s.walk.clamp.keys()].filter(i => s.walk.clamp[i] === 1)", walk) == [first + 3]
    for pixel in (
        "0",
        "NaN",
    ):  # where a corner is held every sweep begins anew, but for the class
        look(page, f"s.walk.paint(0, {pixel})", walk)
        look(page, "s.send('step', {n: 60})", walk)
        label = look(page, "[...s.frames.at(-1).layers['label/label'].tensors.values.data].join('')", walk)
        assert label == "0001000000"
    rows: list[float] = []
    for _ in range(6):
        look(page, "s.send('step', {n: 20})", walk)
        rows += look(page, "[...s.frames.at(-1).layers['chains/p'].tensors.pixels.data]", walk)  # pyright: ignore
    model = load(PRETRAINED / "dbn-digits-labels.safetensors")
    read = model.classify(torch.tensor(rows).reshape(6 * 12, 64)).argmax(1)  # pyright: ignore
    assert (read == 3).float().mean() > 0.4, read.tolist()  # of ten classes


@pytest.mark.parametrize(
    ("link", "card", "words"),
    [
        ("/hopfield?preset=digits", "rules", "projector"),
        ("/hopfield?preset=digits", "cliff", "0.138"),
        ("/dbn?preset=bars-and-stripes", "sheets", "bound, 2 levels"),
        ("/dbm?preset=bars-and-stripes", "topdown", "feedback"),
    ],
)
def test_pictures_that_are_asked_for_come(visit: Open, link: str, card: str, words: str) -> None:
    page = visit(link)
    page.locator(f".st-key-card-{card}").scroll_into_view_if_needed()  # what is not in sight may not be laid out
    expect(page.locator(f'[data-pane="{card}"]').first).to_contain_text(words, timeout=60_000)


def test_layers_settle_and_the_bound_rises(visit: Open) -> None:
    page = visit("/dbm?preset=bars-and-stripes")
    source = "film:pretrained:dbm-bars-and-stripes/settling"
    page.locator('[class*="card-settling"]').first.scroll_into_view_if_needed()
    until(page, "s.frames.length === 21", source)
    xy = look(page, "[...s.frames.at(-1).layers['rising/bound'].tensors.xy.data]", source)
    assert isinstance(xy, list) and [round(x) for x in xy[::2]] == [*range(21)]
    bounds = xy[1::2]
    assert all(after >= before - 1e-3 for before, after in zip(bounds, bounds[1:], strict=False)), bounds  # sent as 16 bits
    assert bounds[-1] > bounds[0] + 0.1, bounds
