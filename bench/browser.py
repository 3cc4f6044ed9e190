"""What a person feels: real Chromium, real server, cold browser each time."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import torch
from playwright.sync_api import Browser, Error, Page, sync_playwright
from safetensors.numpy import save

from bench import bench
from bench.server import warm_server
from genviz.layers import Images, Pane, Points, Scene, Trace
from genviz.paths import ROOT
from genviz.stage.pack import FRAME, LAYOUT, pack_frame, pack_scene, record
from tests.browser.driver import ARGS, chromium, free_port

SOURCE = "window.__genviz?.sources.get(id)"

# notes on the window when a recording moved for the first time, milliseconds after the link was followed
MOVED = f"""id => {{ const beat = () => {{ const s = {SOURCE};
  if (s?.playing && s.frames.length && s.playhead > s.frames[0].step) window.__moved = performance.now();
  else requestAnimationFrame(beat) }};
  requestAnimationFrame(beat) }}"""
READY = f"id => {{ const s = {SOURCE}; return s?.frames.length && s.program('decode') }}"
RESTS = f"id => {{ const s = {SOURCE}; s.play(false); s.seek(s.frames.at(-1).step) }}"

# counts the animation frames, and those of them in which the code under the pointer was decoded
COUNT = f"""id => {{ const s = {SOURCE}, ask = s.program.bind(s), c = window.__count = {{frames: 0, decoded: 0, sent: 0}};
  let decoded = false, wrapped = new Map();
  s.program = name => {{ const f = ask(name);
    if (f && !wrapped.has(f)) wrapped.set(f, z => {{ decoded = true; return f(z) }});
    return f && wrapped.get(f) }};
  const send = WebSocket.prototype.send, fetched = window.fetch;
  WebSocket.prototype.send = function (data) {{ c.sent++; return send.call(this, data) }};
  window.fetch = (...what) => {{ c.sent++; return fetched(...what) }};
  const beat = () => {{ c.frames++; c.decoded += decoded; decoded = false; requestAnimationFrame(beat) }};
  requestAnimationFrame(beat) }}"""

# a scrub at each of 200 animation frames: how many frames each waited for its drawing, at the most
SCRUB = """strip => new Promise(done => { const box = strip.getBoundingClientRect(), stats = window.__genviz.stats;
  const fire = (type, x) => strip.dispatchEvent(new PointerEvent(type,
    {clientX: box.left + x * box.width, clientY: box.top + 5, pointerId: 1, bubbles: true}));
  strip.setPointerCapture = () => {}; fire('pointerdown', 0.5);
  let k = 0, waited = 0, worst = 0, drawn = 0;
  const beat = () => {
    if (k) { waited++; if (stats.draw.frames > drawn) { worst = Math.max(worst, waited); waited = 0 } }
    if (k >= 200 && !waited) { fire('pointerup', 0.5); return done(worst) }
    if (!waited) { drawn = stats.draw.frames; fire('pointermove', 0.1 + 0.8 * ((k++ * 37) % 200) / 200) }
    requestAnimationFrame(beat) };
  requestAnimationFrame(beat) })"""

# from a frame's time stamp by the worker to the animation frame that shows it, milliseconds
LAG = f"""([id, n]) => new Promise(done => {{ const s = {SOURCE}, lags = []; let last = s.frames.at(-1);
  const beat = () => {{ const now = s.frames.at(-1);
    if (now !== last && s.playhead === now.step) {{ lags.push(Date.now() - now.time * 1000); last = now }}
    lags.length < n ? requestAnimationFrame(beat) : done(lags) }};
  requestAnimationFrame(beat) }})"""


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        yield running
        running.close()


@contextmanager
def opened(path: str, recording: str = "") -> Iterator[Page]:
    """A page of a warm server; with its shipped recording at rest at the end, if that is named."""
    with warm_server() as server, browser() as chrome:
        page = chrome.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.url + path)
        if recording:
            page.wait_for_function(READY, arg=recording)
            page.evaluate(RESTS, recording)
            page.wait_for_timeout(2000)
        yield page


def trained(page: Page) -> str:
    """Presses Train; the source of the run that begins."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile(r"run="))
    found = re.search(r"run=([\w.-]+)", page.url)
    assert found
    return f"run:{found[1]}"


@bench("from the command that `make app` ends with to the home page's first words, median of 3", 5, "s")
def first_paint() -> float:
    times = []
    with browser() as chrome, tempfile.TemporaryDirectory() as scratch:
        for _ in range(3):
            port, page, start = free_port(), chrome.new_context().new_page(), time.perf_counter()
            command = [sys.executable, "-m", "genviz.cli", "app", "--port", str(port)]
            env = {**os.environ, "GENVIZ_HOME": scratch}
            quiet = subprocess.DEVNULL
            with subprocess.Popen(command, cwd=ROOT, env=env, stdout=quiet, stderr=quiet) as process:
                try:
                    while True:
                        try:
                            page.goto(f"http://127.0.0.1:{port}/")
                            break
                        except Error:
                            time.sleep(0.05)
                    page.locator("h1").first.wait_for()
                    times.append(time.perf_counter() - start)
                finally:
                    page.context.close()
                    process.terminate()
    return median(times)


@bench("from the link to the VAE page to its preset moving, warm server, cold browser, median of 5", 2, "s")
def open_page() -> float:
    times = []
    with warm_server() as server, browser() as chrome:
        for _ in range(6):
            page = chrome.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.add_init_script(f"({MOVED})('pretrained:vae-moons')")
            page.goto(f"{server.url}/vae", wait_until="commit")
            page.wait_for_function("window.__moved", polling=200)
            times.append(page.evaluate("window.__moved") / 1000)
            page.context.close()
    return median(times[1:])  # the first one is still the server's own


@bench("animation frames a second in which a dragged 28×28 code was decoded", 55, "fps", least=True)
def drag() -> float:
    source = "pretrained:vae-mnist-plane"
    with opened("/vae?preset=mnist-plane", source) as page:
        box = page.locator('[data-pane="plane"] canvas').first.bounding_box()
        assert box
        x, y, w, h = box["x"], box["y"], box["width"], box["height"]
        page.mouse.move(x + w / 2, y + h / 2)
        page.evaluate(COUNT, source)
        start, i = time.perf_counter(), 0
        before = page.evaluate("({...window.__count})")
        while time.perf_counter() - start < 4:
            i += 1
            page.mouse.move(x + w * (0.3 + 0.4 * (i % 97) / 97), y + h * (0.3 + 0.4 * (i % 89) / 89))
        after, took = page.evaluate("({...window.__count})"), time.perf_counter() - start
        assert after["sent"] == before["sent"], "dragging asked the server"
        return (after["decoded"] - before["decoded"]) / took


@bench("animation frames from moving the playhead to the picture, the worst of 200", 1, "frames")
def scrub() -> float:
    with opened("/vae", "pretrained:vae-moons") as page:
        return page.get_by_role("slider", name="training time").evaluate(SCRUB)


@bench("from a frame written by the worker to its drawing, median of 60", 60, "ms")
def lag() -> float:
    with opened("/vae?steps=6000") as page:
        source = trained(page)
        page.wait_for_function(f"id => {SOURCE}?.frames.length > 20", arg=source)
        return median(page.evaluate(LAG, [source, 60]))


# F, and the milliseconds until the animation frame after which a further strip has a picture
FORK = """strips => new Promise(done => { const n = strips.children.length, began = performance.now();
  window.dispatchEvent(new KeyboardEvent('keydown', {key: 'f', cancelable: true}));
  const beat = () => { const canvas = strips.children[n]?.querySelector('canvas');
    canvas?.width && canvas.getContext('2d').getImageData(0, 0, canvas.width, 1).data.some(Boolean)
      ? requestAnimationFrame(() => done(performance.now() - began)) : requestAnimationFrame(beat) };
  requestAnimationFrame(beat) })"""


@bench("from F to the fork's strip on screen, a finished run of 2,000 steps, median of 3", 100, "ms")
def fork() -> float:
    with opened("/vae?steps=2000") as page:
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_url(re.compile(r"run="))
        page.get_by_text("trained for 2,000 steps").first.wait_for(timeout=120_000)
        box = page.get_by_role("slider", name="training time").bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
        times = []
        for _ in range(3):
            page.wait_for_timeout(4000)  # the last one's replay is over
            times.append(page.locator(".strips").first.evaluate(FORK))
        return median(times)


# ---------------------------------------------------------------- films: what the server would answer is made here

MOUNT = """([id, height]) => { const at = document.body.appendChild(document.createElement('div'));
  at.id = 'film'; at.style = 'position:fixed; inset:0; z-index:99999; background:#fff; padding:20px';
  const url = performance.getEntriesByType('resource').map(e => e.name).find(name => /stage\\.js/.test(name));
  return import(url).then(({default: stage}) => { stage({data: {source: id, transport: true, height, view: {playhead: 0}},
    parentElement: at, setStateValue() {}, setTriggerValue() {}}); return url }) }"""
PLAY = """([id, ms]) => new Promise(done => { const s = window.__genviz.sources.get(id), stats = window.__genviz.stats.draw;
  s.play(true); setTimeout(() => { const frames = stats.frames, began = performance.now();
    setTimeout(() => done((stats.frames - frames) / (performance.now() - began) * 1000), ms) }, 500) })"""
PROGRAMS = f"([id, programs]) => {{ const s = {SOURCE}; Object.assign(s.scene.programs, programs); s.weights.sets.clear() }}"
# a new place for the particle before each of 120 animation frames: milliseconds from the frame's start to the drawn path
DRAG = """canvas => new Promise(done => { const box = canvas.getBoundingClientRect(), times = [];
  const fire = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
    {clientX: box.left + x * box.width, clientY: box.top + y * box.height, pointerId: 1, bubbles: true}));
  canvas.setPointerCapture = () => {}; fire('pointerdown', 0.5, 0.5);
  let k = 0;
  const beat = () => {
    fire('pointermove', 0.45 + 0.1 * (k % 17) / 17, 0.4 + 0.2 * (k % 13) / 13);
    requestAnimationFrame(start => { times.push(performance.now() - start);  // after the stage's own, asked for before
      ++k < 120 ? requestAnimationFrame(beat) : (fire('pointerup', 0.5, 0.5), done(times)) }) };
  requestAnimationFrame(beat) })"""


def shown(page: Page, base: str, frames: Iterator[Scene]) -> str:
    """A film of these scenes over the page, whole; its id."""
    body = b""
    for i, scene in enumerate(frames):
        body += b"" if i else record(0, LAYOUT, pack_scene(scene), 0)
        body += record(i, FRAME, pack_frame(scene, f"frame {i}"), 0)
    page.route("**/film/**", lambda route: route.fulfill(body=body))
    page.evaluate(MOUNT, [film := f"film:{base}/bench", 420])
    page.wait_for_function("id => window.__genviz.sources.get(id)?.status.state === 'done'", arg=film)
    page.wait_for_timeout(500)
    return film


@bench("frames a second while a film of 100 frames of 64 pictures of 28×28 plays", 50, "fps", least=True)
def film() -> float:
    rows = torch.rand(100, 64, 28, 28, generator=torch.Generator().manual_seed(0))
    scenes = (Scene(panes=[Pane(name="x", title="", kind="images", layers=[Images(name="x", pixels=p)])]) for p in rows)
    with opened("/vae", base := "pretrained:vae-moons") as page:
        return page.evaluate(PLAY, [shown(page, base, scenes), 5000])


@bench("of an animation frame for the path of a dragged particle, 200 steps of 2-128-128-128-2, median of 120", 16, "ms")
def particle() -> float:
    shapes = {"w1": (128, 2), "w2": (128, 128), "w3": (128, 128), "w4": (2, 128)}
    draw = torch.Generator().manual_seed(0)
    weights = {name: (torch.randn(shape, generator=draw) / shape[1] ** 0.5).numpy() for name, shape in shapes.items()}
    weights["var"] = torch.full((201, 2), 1e-3).numpy()
    net = [["linear", "w1"], ["silu"], ["linear", "w2"], ["silu"], ["linear", "w3"], ["silu"], ["linear", "w4"]]
    moves = {name: [*net, ["affine", 0, scale], ["add", "x"]] for name, scale in (("reverse", 0.01), ("invert", -0.01))}
    noise = [["put", "mean"], ["row", "var"], ["put", "v"], ["get", "mean"], ["gaussian", "v"]]
    programs = moves | {"reverse": moves["reverse"] + noise}
    trace = Trace(name="p", ahead="reverse", back="invert", clock=tuple(range(200, -1, -1)))
    layers = [Points(name="x", xy=torch.randn(600, 2, generator=draw)), trace]
    scene = Scene(panes=[Pane(name="x", title="", layers=layers, x=(-3, 3), y=(-3, 3))])
    with opened("/vae", base := "pretrained:vae-moons") as page:
        page.route("**/weights/**", lambda route: route.fulfill(body=save(weights)))
        page.evaluate(PROGRAMS, [base, programs])
        shown(page, base, iter([scene] * 201))
        page.wait_for_function(f"id => {SOURCE}.program('reverse')", arg=base)
        return median(page.locator('#film [data-pane="x"] canvas').evaluate(DRAG))


# two sweeps of all chains at each animation frame, drawn: sweeps a second
WALK = f"""async id => {{ const s = {SOURCE}; s.walk.chains = 20; s.walk.start('noise');
  const frame = () => new Promise(requestAnimationFrame);
  for (let k = 0; k < 60; k++) {{ await s.send('step', {{n: 1}}); await frame() }}
  const began = performance.now(), from = s.playhead;
  while (performance.now() - began < 4000) {{ await s.send('step', {{n: 2}}); await frame() }}
  return (s.playhead - from) / (performance.now() - began) * 1000 }}"""


@bench("20 Gibbs chains of a 784×100 RBM, drawn, sweeps a second", 60, "sweeps/s", least=True)
def gibbs() -> float:
    with opened("/rbm?preset=mnist&hidden=100&steps=300") as page:
        run = trained(page)
        walk = f"walk:{run}/gibbs"
        page.wait_for_function(f"id => {SOURCE}?.status.state === 'done'", arg=run, timeout=120_000)
        page.wait_for_function(f"id => {SOURCE}?.frames.length", arg=walk)
        page.locator(".walkbar").evaluate("bar => bar.scrollIntoView()")
        page.wait_for_timeout(2000)
        return page.evaluate(WALK, walk)


# a race of four lanes, by steps: the steps a second of the slowest, and the milliseconds of an animation frame that steps,
# figures and pictures take, which 95 of 100 stay below (the very longest is that of whatever else the machine does)
RACE = f"""async id => {{ const s = {SOURCE}, draw = s.draw, took = []; s.clock = 'steps'; s.chains = 5; s.rate = 2000;
  s.draw = now => {{ const began = performance.now(); draw.call(s, now); took.push(performance.now() - began) }};
  s.play(true);
  const rest = ms => new Promise(done => setTimeout(done, ms));
  await rest(1000);
  const began = performance.now(), from = s.lanes.map(lane => lane.steps); took.length = 0;
  await rest(3000);
  const ms = performance.now() - began, rates = s.lanes.map((lane, i) => (lane.steps - from[i]) / ms * 1000);
  return [Math.min(...rates), took.sort((a, b) => a - b)[Math.floor(0.95 * took.length)]] }}"""


def raced() -> tuple[float, float]:
    with opened("/mcmc?preset=grid25") as page:
        race = "race:pretrained:mcmc-grid25"
        page.locator(".st-key-race").wait_for(timeout=120_000)
        page.locator(".st-key-race").evaluate("card => card.scrollIntoView()")
        page.wait_for_function(f"id => {SOURCE}?.lanes.length", arg=race)
        page.wait_for_timeout(2000)
        return tuple(page.evaluate(RACE, race))


@bench(
    "a race of four samplers with 5 chains each on 25 Gaussians, drawn: steps a second in each lane",
    1000,
    "steps/s",
    least=True,
)
def race() -> float:
    return raced()[0]


@bench("of an animation frame of that race for its steps, figures and pictures; 95 of 100 take less", 16, "ms")
def race_frame() -> float:
    return raced()[1]
