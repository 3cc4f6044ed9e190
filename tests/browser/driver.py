"""The pieces of a browser test: Chromium, a server of our own, and what it means that a page is idle."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from genviz.paths import ROOT

ARGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--force-prefers-no-reduced-motion"),
]
IDLE = """() => { const a = document.querySelector('[data-testid="stApp"]');
  return a && a.dataset.testConnectionState === 'CONNECTED' && a.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid="stAppSkeleton"],[data-testid="stSkeleton"],[data-stale="true"]') }"""


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    mac = ("/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    found = next((path for name in names if (path := shutil.which(name))), None) or next(
        (p for p in mac if Path(p).exists()), None
    )
    assert found, "no Chromium on this machine: make test installs one"
    return found


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`streamlit run app.py` on a free port with a home of its own."""

    def __init__(self, home: Path, log: Path) -> None:
        self.port = free_port()
        self.url, self.home, self.log = f"http://127.0.0.1:{self.port}", home, log
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(self.port)]
        options = ["--server.address", "127.0.0.1", "--server.headless", "true"]
        env = {**os.environ, "GENVIZ_HOME": str(self.home)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen([*command, *options], stdout=log, stderr=log, env=env, cwd=ROOT)
        for _ in range(1200):
            try:
                if urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).read() == b"ok":
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.05)
        raise AssertionError("the server did not become healthy")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(90)  # pictures that were asked for are computed to their end


Open = Callable[..., Page]

# for a moment of a rerun both the old control and the new one are there: neither is to be read or typed into
ALONE = """([label, value]) => {
  const called = [...document.querySelectorAll('input[aria-label]')].filter(e => e.ariaLabel.split(' ●')[0] === label)
  return called.length === 1 && (value === null || called[0].value === value) }"""


def shows(page: Page, label: str, value: str | None = None) -> None:
    """Waits until the control of that name is there once, and shows `value`."""
    page.wait_for_function(ALONE, arg=[label, value])


def enter(page: Page, label: str, value: str) -> None:
    shows(page, label)
    box = page.locator(f'input[aria-label^="{label}"]')
    box.fill(value)
    box.press("Enter")
