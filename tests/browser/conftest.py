"""A real server and a real Chromium; every test fails on a page error, a streamlit exception or a request to another host."""

import os
from collections.abc import Generator, Iterator
from urllib.parse import urlsplit

import pytest
from driver import ARGS, IDLE, Open, Server, chromium
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

PAGES = pytest.StashKey[list[Page]]()
expect.set_options(timeout=20_000)  # two cores share a server, its workers, Chromium and the other tests


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    alone = "PYTEST_XDIST_WORKER" not in os.environ or "@browser" in os.environ["PYTEST_CURRENT_TEST"]
    assert alone, "two workers would each start a server and a Chromium: mark the file with xdist_group('browser')"
    folder = tmp_path_factory.mktemp("server")
    running = Server(folder / "home", folder / "log")
    yield running
    running.stop()


@pytest.fixture(scope="module")  # playwright keeps an event loop in this thread: other tests need theirs
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        yield running
        running.close()


# what is on the stage: runs, their states and steps, and the words of the strips
STAGE = """() => [location.href, ...[...window.__genviz?.sources ?? []].map(([id, s]) =>
  `${id} ${JSON.stringify(s.status)} frames ${s.frames.length} scene ${Boolean(s.scene)} ${s.problem}`)].join('\\n')"""
# programs asked for that the model does not have: no test provokes that
UNABLE = "() => [...window.__genviz?.sources?.values() ?? []].map(s => s.problem).filter(said => said?.includes('cannot run'))"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails says what its pages showed."""
    report = yield
    if report.when == "call" and report.failed:
        for page in item.stash.get(PAGES, []):
            strips = page.locator(".strips").all_inner_texts()
            report.sections.append((f"on {page.url}", "\n".join([page.evaluate(STAGE), *strips])))
    return report


@pytest.fixture
def visit(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`visit("/vae", width=390, dark=True)`: a page opened cold in a context of its own, and judged at the end."""
    pages = request.node.stash[PAGES] = list[Page]()
    faults: list[str] = []

    def go(path: str, width: int = 1280, height: int = 900, dark: bool = False, touch: bool = False) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("console", lambda message: faults.extend(_complaint(message)))
        page.on("request", lambda request: faults.extend(_foreign(request.url)))
        page.goto(server.url + path)
        page.wait_for_function(IDLE, timeout=60_000)
        pages.append(page)
        return page

    yield go
    for page in pages:
        faults += [e.inner_text() for e in page.locator('[data-testid="stException"]').all()] + page.evaluate(UNABLE)
        page.context.close()
    assert not faults, faults


def _complaint(message: ConsoleMessage) -> list[str]:
    """What our code complains of; the network's own messages belong to restarts and to streamlit's look for its health."""
    network = ("Failed to load resource", "WebSocket connection", "net::ERR", "not responding", "reaching server endpoint")
    ours = message.type == "error" and not any(words in message.text for words in network)
    return [f"console: {message.text}"] if ours else []


def _foreign(url: str) -> list[str]:
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost") or url.startswith(("data:", "blob:"))
    return [] if local else [f"request to another host: {url}"]
