"""What the save menu gives: pictures and clips that show what was on screen, and the server's files."""

from pathlib import Path

import numpy as np
import pytest
from driver import Open, Server
from PIL import Image
from playwright.sync_api import Page, expect
from test_stage import look, train, until

from genviz.service import export
from genviz.service.folder import RunFolder

pytestmark = pytest.mark.xdist_group("browser")
SOURCE = "pretrained:vae-moons"
PLAYED = """async bytes => { const video = document.createElement("video");
  video.src = URL.createObjectURL(new Blob([Uint8Array.from(bytes)]));
  await new Promise((done, failed) => { video.oncanplay = done; video.onerror = () => failed(video.error.message) });
  video.currentTime = video.duration - 0.5;
  await new Promise(done => { video.onseeked = done });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const g = canvas.getContext("2d"); g.drawImage(video, 0, 0);
  return [video.duration, video.videoWidth, video.videoHeight, [...g.getImageData(4, 4, 1, 1).data]] }"""


def menu(page: Page) -> None:
    page.get_by_role("button", name="save", exact=True).first.click()
    expect(page.get_by_role("dialog", name="Save")).to_be_visible()


def saved(page: Page, role: str, name: str, where: Path) -> Path:
    """What pressing that gives."""
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("dialog", name="Save").get_by_role(role, name=name, exact=True).click()  # pyright: ignore
        if role == "button" and name != "PNG":
            on = page.get_by_role("button", name="go on")
            done = page.locator(".save .told", has_text="saved as")
            expect(on.or_(done).first).to_be_visible(timeout=60_000)
            if on.is_visible():
                on.click()
    path = where / download.value.suggested_filename
    download.value.save_as(path)
    return path


def still_at(page: Page, step: int) -> None:
    until(page, "s.playing && s.playhead > 0", SOURCE)
    page.evaluate(
        "([id, step]) => { const s = window.__genviz.sources.get(id); s.play(false); s.seek(step); s.speed = 4 }",
        [SOURCE, step],
    )
    page.wait_for_timeout(200)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_picture_shows_the_panes_with_their_words(visit: Open, tmp_path: Path, width: int, dark: bool) -> None:
    page = visit("/vae", width=width, dark=dark)
    still_at(page, 2000)
    menu(page)
    path = saved(page, "button", "PNG", tmp_path)
    assert path.name == "vae-moons-2000.png"
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    box = page.locator(".panes").first.bounding_box()
    assert box and abs(pixels.shape[1] - 2 * (box["width"] + 40)) <= 2
    paper = pixels[2, 2]
    assert (paper.sum() < 200) == dark, "the page's own paper"
    drawn = np.abs(pixels - paper).sum(2) > 60
    for part in (".pane h3", ".pane canvas", ".pane .toggle", ".pane .reads"):  # each is there, where it stands
        at = page.locator(part).first.bounding_box()
        assert at
        x, y = 2 * (at["x"] - box["x"] + 20), 2 * (at["y"] - box["y"] + 20)
        there = drawn[int(y) : int(y + 2 * at["height"]), int(x) : int(x + 2 * at["width"])]
        assert 0.005 < there.mean() < 0.9, part


def test_clips_go_through_the_recording_and_leave_the_stage_where_it_was(visit: Open, tmp_path: Path) -> None:
    page = visit("/vae")
    still_at(page, 2000)
    page.keyboard.press("g")
    expect(page.get_by_role("button", name="GIF")).to_be_focused()
    page.get_by_label("which part").select_option("all")
    path = saved(page, "button", "GIF", tmp_path)
    assert path.name == "vae-moons-3000.gif" and path.read_bytes()[:6] == b"GIF89a"
    with Image.open(path) as image:
        frames: int = getattr(image, "n_frames", 1)
        assert 30 <= frames <= 45 and image.info["loop"] == 0  # 3 s
        first = np.asarray(image.convert("RGB")).astype(int)
        image.seek(frames - 1)
        last = np.asarray(image.convert("RGB")).astype(int)
    assert first.std() > 5 and (np.abs(first - last).sum(2) > 60).mean() > 0.01, "it moves"
    until(page, "s.playhead === 2000 && !s.playing", SOURCE)

    path = saved(page, "button", "video", tmp_path)
    assert path.suffix in (".mp4", ".webm")
    start = path.read_bytes()[:8]
    assert start[4:] == b"ftyp" if path.suffix == ".mp4" else start[:4] == b"\x1a\x45\xdf\xa3"
    seconds, wide, high, paper = page.evaluate(PLAYED, list(path.read_bytes()))
    assert 2.9 < seconds < 3.2 and wide > 1000 and high > 500 and min(paper) > 245


def test_other_browsers_get_a_webm_or_are_told(visit: Open, tmp_path: Path) -> None:
    page = visit("/vae")
    still_at(page, 1000)
    page.evaluate("""() => { const asked = VideoEncoder.isConfigSupported;
      VideoEncoder.isConfigSupported = config =>
        config.codec.startsWith("avc") ? Promise.resolve({ supported: false }) : asked.call(VideoEncoder, config) }""")
    menu(page)
    path = saved(page, "button", "video", tmp_path)
    assert path.suffix == ".webm" and path.read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    seconds, wide, _, paper = page.evaluate(PLAYED, list(path.read_bytes()))
    assert seconds > 0.5 and wide > 1000 and min(paper) > 245
    page.evaluate("VideoEncoder.isConfigSupported = () => Promise.resolve({ supported: false })")
    page.get_by_role("button", name="video", exact=True).click()
    expect(page.locator(".save .told")).to_contain_text("cannot encode a video")


def test_a_clip_can_be_stopped(visit: Open) -> None:
    page = visit("/vae")
    still_at(page, 10)
    page.evaluate("id => { window.__genviz.sources.get(id).speed = 0.25 }", SOURCE)
    menu(page)
    page.get_by_role("button", name="video", exact=True).click()
    go = page.get_by_role("button", name="go on")
    expect(go).to_be_visible(timeout=60_000)
    expect(page.locator(".save .told")).to_contain_text("s of work, about")
    go.click()
    page.get_by_role("button", name="stop").click()
    expect(page.locator(".save .told")).to_have_text("stopped")
    until(page, "s.playhead === 10", SOURCE)


def test_files_of_a_run_are_those_of_the_command_line(visit: Open, server: Server, tmp_path: Path) -> None:
    page = visit("/vae?steps=200")
    source = train(page)
    until(page, "s.status.state === 'done'", source)
    folder = RunFolder(server.home / "runs" / source.removeprefix("run:"))
    menu(page)
    path = saved(page, "link", "Python script", tmp_path)
    assert path.name == "vae-moons-200.py" and path.read_text() == export.script(export.Recorded(folder))
    assert saved(page, "link", "notebook", tmp_path).read_text() == export.notebook(export.Recorded(folder))
    assert saved(page, "link", "weights (safetensors)", tmp_path).read_bytes() == folder.weights(200).read_bytes()
    assert look(page, "s.problem", source) == ""
    page = visit("/runs")
    with page.expect_download() as download:
        page.get_by_role("link", name="script", exact=True).first.click()
    assert download.value.suggested_filename == "vae-moons-200.py"
