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

from playwright.sync_api import Browser, Error, Page, sync_playwright

from bench import bench
from bench.server import warm_server
from genviz.paths import ROOT
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
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_url(re.compile(r"run="))
        found = re.search(r"run=([\w.-]+)", page.url)
        assert found
        source = f"run:{found[1]}"
        page.wait_for_function(f"id => {SOURCE}?.frames.length > 20", arg=source)
        return median(page.evaluate(LAG, [source, 60]))
