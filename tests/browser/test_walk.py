"""A chain that the browser runs itself: stepped, painted on, played, and learnt from."""

import os
import re
import subprocess
import sys

import pytest
import torch
from driver import Open, Server
from playwright.sync_api import Page, expect
from programs import run as execute
from test_stage import look, train, until

from genviz.checkpoint import load
from genviz.paths import PRETRAINED, ROOT
from genviz.run import looking
from genviz.service.build import PINNED

pytestmark = pytest.mark.xdist_group("browser")
LINK = "/rbm?preset=bars-and-stripes&steps=300"

# a program on rows, its coins and its noise drawn from a list of numbers, at a chain time: the new states and all registers
COINS = """async ([id, name, rows, numbers, t]) => { const source = window.__genviz.sources.get(id);
  source.program(name);
  await source.settled();  // the weights of this very step, not those of an earlier one
  const program = source.program(name);
  let k = 0;
  const next = () => numbers[k++];
  return rows.map(x => { const y = [...program(Float32Array.from(x), {uniform: next, noise: next, t})];
    return {y, ...Object.fromEntries([...program.registers].map(([name, values]) => [name, [...values]]))} }) }"""

SAID = """stage => { window.said = []; const note = () => { for (const moment of stage.querySelectorAll('.moment'))
  if (!moment.hidden && moment.textContent && window.said.at(-1) !== moment.textContent) window.said.push(moment.textContent) };
  new MutationObserver(note).observe(stage, {subtree: true, childList: true, characterData: true, attributes: true}) }"""

# the run done again from its log, as a worker does it: its weights after the last edit against those that were kept
REPLAY = """
import sys, torch
from pathlib import Path
from genviz.checkpoint import load
from genviz.run import Edit, Run
from genviz.service.build import build
from genviz.service.folder import find
torch.set_num_threads(1)
folder = find(sys.argv[1], Path(sys.argv[2]))
model, data, card = build(folder)
run = Run(model, data, card["seed"], [Edit(**edit) for edit in folder.entries("edit")])
run.advance(until=300)
for edit in run.pending:
    run.apply(edit)
assert [edit.verb for edit in run.edits] == ["learn_once"]
kept = load(folder.weights(300)).state_dict()
assert all(torch.equal(kept[name], tensor) for name, tensor in run.model.state_dict().items())
"""


def trained(visit: Open) -> tuple[Page, str, str]:
    """A page with a finished run of its own, the run's source and its walk."""
    page = visit(LINK)
    source = train(page)
    until(page, "s.status.state === 'done'", source)
    walk = f"walk:{source}/gibbs"
    until(page, "s.frames.length && s.keyframe() === 300 && s.program('gibbs')", walk)
    page.locator(".walkbar").scroll_into_view_if_needed()
    return page, source, walk


def test_client_programs_are_those_of_pytorch(visit: Open, server: Server) -> None:
    page, source, _ = trained(visit)
    model = load(server.home / "runs" / source.removeprefix("run:") / "weights-300.safetensors")
    rng = torch.Generator().manual_seed(0)
    x, u = (torch.rand(100, 9, generator=rng) < 0.5).float(), torch.rand(100, 18, generator=rng)
    theirs = page.evaluate(COINS, [source, "gibbs", x.tolist(), u.flatten().tolist()])
    programs, tensors, given = model.client(), model.state_dict(), iter([u[:, :9], u[:, 9:]])  # pyright: ignore
    end, registers = execute(programs["gibbs"], tensors, x, coin=lambda p: (next(given) < p).float())
    for name, ours in {**registers, "y": end}.items():
        torch.testing.assert_close(torch.tensor([row[name] for row in theirs], dtype=torch.float32), ours, atol=1e-4, rtol=0)
    energies = page.evaluate(COINS, [source, "energy", x.tolist(), []])
    ours = model.energy(x)  # pyright: ignore
    torch.testing.assert_close(torch.tensor([row["y"] for row in energies])[:, 0], ours, atol=1e-4, rtol=1e-5)


def test_steps_of_diffusion_are_those_of_pytorch(visit: Open) -> None:
    """Of the shipped recording, by its finished weights; noise as given, none in the last step back."""
    page, source = visit("/diffusion?preset=8gaussians"), "pretrained:diffusion-8gaussians"
    until(page, "s.frames.length && s.program('reverse') && s.program('invert')", source)
    model = load(PRETRAINED / "diffusion-8gaussians.safetensors")
    programs, tensors = model.client(), model.state_dict()  # pyright: ignore
    rng = torch.Generator().manual_seed(0)
    x, given = 2 * torch.randn(100, 2, generator=rng), torch.randn(100, 2, generator=rng)
    for name in ("reverse", "invert"):
        for t in (1, 2, 13, 50):
            theirs = page.evaluate(COINS, [source, name, x.tolist(), given.flatten().tolist(), t])
            end, registers = execute(programs[name], tensors, x, t=t, noise=lambda _: given)
            for part, ours in {**registers, "y": end}.items():
                got = torch.tensor([row[part] for row in theirs], dtype=torch.float32)
                torch.testing.assert_close(got, ours, atol=1e-4, rtol=0, msg=lambda why, at=(name, t, part): f"{at}: {why}")
            if name == "reverse":
                with looking(model):  # by the averaged weights
                    law = model.undo(x, t)  # pyright: ignore
                drawn = law.mean + law.stddev * given * (t > 1)
                torch.testing.assert_close(end, drawn, atol=5e-3, rtol=0)  # half-precision rounds gain and scale apart


def test_it_goes_by_units_layers_and_sweeps_and_plays(visit: Open) -> None:
    page, _, walk = trained(visit)
    stage = page.locator(".stage", has=page.locator(".walkbar"))
    step = stage.get_by_role("button", name="One step", exact=True)
    step.click()
    until(page, "s.playhead === 1", walk)
    stage.get_by_role("button", name="layer", exact=True).click()
    step.click()
    assert look(page, "s.playhead", walk) == 1, "one of two layers"
    step.click()
    until(page, "s.playhead === 2", walk)
    stage.get_by_role("button", name="unit", exact=True).click()
    stage.evaluate(SAID)  # half a second each: a test that looks now and then would miss one
    step.click()
    until(page, "window.said.some(words => words.startsWith('The light '))", walk)
    said = page.evaluate("window.said")
    assert "its input arrives" in said[0] and said[1].startswith("The coin falls, with p = ") and len(said) == 3
    until(page, "!s.walk.spot", walk)
    assert look(page, "s.playhead", walk) == 2
    page.wait_for_url(re.compile("grain"))
    stage.get_by_role("button", name="sweep", exact=True).click()
    stage.get_by_role("button", name="Play", exact=True).click()
    until(page, "s.frames.length > 20", walk)
    stage.get_by_role("button", name="Pause", exact=True).click()
    at = look(page, "s.frames.length", walk)
    page.wait_for_timeout(300)
    assert look(page, "s.frames.length", walk) == at
    page.keyboard.press("ArrowLeft")
    until(page, "s.playhead === s.frames.at(-2).step", walk)
    expect(stage.get_by_text("total variation to the exact")).to_be_visible()


def test_what_is_painted_is_held_and_in_the_link(visit: Open) -> None:
    page, _, walk = trained(visit)
    stage = page.locator(".stage", has=page.locator(".walkbar"))
    board = stage.locator('[data-pane="board"] canvas')
    board.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # what comes above it has come
    box = board.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + (box["height"] - 40) / 2
    page.mouse.move(x - 64, y)
    page.mouse.down()
    page.mouse.move(x + 64, y)  # a stroke through the middle row, in one jump
    page.mouse.up()
    assert look(page, "[...s.walk.clamp].map(v => +(v === 1)).join('')", walk) == "000111000"
    board.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    page.keyboard.press(" ")  # on, then off
    page.wait_for_url(re.compile("clamp"))
    stage.get_by_role("button", name="Play", exact=True).click()
    until(page, "s.frames.length > 30", walk)
    held = "s.frames.slice(-20).every(f => { const x = f.layers['board/x'].tensors.values.data;"
    assert look(page, held + "return x[1] === 0 && x[3] && x[4] && x[5] })", walk)
    page.reload()
    until(page, "s.frames.length && s.walk.view.clamp === '1-,3-5+'", walk)


def test_learning_once_from_a_dream_changes_the_run_and_is_replayed(visit: Open, server: Server) -> None:
    page, source, walk = trained(visit)
    board = "s.frames.at(-1).layers['board/x'].tensors.values.data"
    energy = f"((f, of) => of(Float32Array.of(1,1,1,0,0,0,0,0,0), f) - of({board}, f))(s.program('energy'), (x, f) => f(x)[0])"
    before = look(page, energy, walk)
    rows = "s.scene.panes.find(p => p.name === 'rows').layers[0].tensors.pixels"
    chosen = f"[...Array({rows}.shape[0]).keys()].find(i => {rows}.data.slice(9 * i, 9 * i + 9).join('') === '111000000')"
    look(page, f"s.selection = {chosen}", walk)
    page.get_by_role("button", name="learn once").click()
    until(page, "s.edits.some(e => e.verb === 'learn_once')", source)
    until(page, f"s.program('energy') && {energy} < {before} - 1e-3", walk)  # the datum gained on the dream
    home = server.home / "runs"
    again = subprocess.run(
        [sys.executable, "-c", REPLAY, source.removeprefix("run:"), str(home)], env=os.environ | PINNED, cwd=ROOT
    )
    assert again.returncode == 0, "the weights that were kept are those of the replay, bit for bit"
