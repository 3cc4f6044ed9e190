"""The controls beside the stage, in fragments of their own: what AppTest, which reruns whole pages, cannot see."""

import re
import shutil

import pytest
from driver import Open, Server, enter, shows
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")
STYLED = "getComputedStyle(document.querySelector('.gv-head h1')).display === 'inline'"


def test_a_refused_entry_is_named_and_what_was_there_comes_back(visit: Open) -> None:
    page = visit("/vae")
    enter(page, "batch", "-7")
    expect(page.get_by_text("batch = -7 is outside 1")).to_be_visible()
    shows(page, "batch", "100")
    assert "batch" not in page.url
    enter(page, "batch", "50")
    expect(page.get_by_text("Press Train to see batch = 50 (shown: 100).")).to_be_visible()
    page.wait_for_url(re.compile("batch=50"))
    page.go_back()
    shows(page, "batch", "100")


def test_a_knob_of_a_run_that_was_removed_says_so_and_the_page_stands(visit: Open, server: Server) -> None:
    page = visit("/vae?steps=300")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile("run="))
    expect(page.locator(".status").first).to_contain_text("trained for 300 steps", timeout=60_000)
    run = re.search(r"run=([\w.-]+)", page.url)
    assert run
    shutil.rmtree(server.home / "runs" / run[1])
    enter(page, "beta", "2")
    expect(page.get_by_text("beta was not changed: there is no run")).to_be_visible()
    assert page.evaluate(STYLED), "the page keeps its looks"


def test_the_list_of_runs_follows_a_training_to_its_end(visit: Open) -> None:
    page = visit("/vae?steps=2500&batch=37")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile("run="))
    page.goto(page.url.partition("/vae")[0] + "/runs")
    expect(page.get_by_text(re.compile("^running at step .* of 2,500 · seed 0 · batch 37")).first).to_be_visible()
    expect(page.get_by_text(re.compile("^done at step 2,500 of 2,500 · seed 0 · batch 37")).first).to_be_visible(timeout=60_000)
