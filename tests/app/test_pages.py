"""Every page runs, from the catalogue alone and from links that make no sense, and says in words what it could not use."""

import pytest
from streamlit.testing.v1 import AppTest

from genviz.catalog import CARDS, CATALOG, FAMILIES
from genviz.model import discover, find
from genviz.paths import PACKAGE
from genviz.service import folder
from genviz.service.build import wish
from genviz.studio.shell import page_files

MAIN = str(PACKAGE / "studio" / "entry" / "main.py")
MODELS = [slug for slug in page_files() if slug in CARDS]


def opened(slug: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if slug:
        app.switch_page(str(page_files()[slug])).run()
    assert not app.exception, app.exception[0].value
    return app


def test_the_catalogue_and_the_registry_agree() -> None:
    assert len(CATALOG) == 29
    assert set(discover()) <= set(CARDS) | {"mine"}
    for slug, model in discover().items():
        if model.__module__.startswith("genviz.models."):
            assert model.__module__ == f"genviz.models.{CARDS[slug].family}.{slug}"
    for card in CATALOG:
        assert card.family in FAMILIES
        assert set(card.grew_from) <= set(CARDS)
        assert all(CARDS[parent].year <= card.year for parent in card.grew_from), card.slug
    assert {slug for slug in page_files() if page_files()[slug].parent.name in FAMILIES} <= set(discover())


def test_home_shows_every_model_and_links_only_those_that_are_here() -> None:
    page = "".join(element.proto.body for element in opened().get("html"))
    for card in CATALOG:
        assert card.title.replace("&", "&amp;") in page
        assert (f'href="{card.slug}"' in page) == (card.slug in page_files())


@pytest.mark.parametrize("slug", page_files())
def test_every_page_runs_alone(slug: str) -> None:
    assert opened(slug).get("html")


def test_the_runs_page_lists_a_run_and_removes_it() -> None:
    run = folder.create(wish("vae", {}, "moons", 0, 10))
    app = opened("runs")
    assert any("at step 0 of 10" in caption.value for caption in app.caption)
    app.button(key=f"remove-{run.id}").click().run()
    assert not run.path.exists()
    assert not app.exception


@pytest.mark.parametrize("slug", MODELS)
def test_a_page_has_its_parts(slug: str) -> None:
    app = opened(slug)
    headings = [element.value for element in app.subheader]
    assert headings[-3:] == ["The mathematics, and the very code", "Does the paper's claim hold?", "Neighbours"]
    assert app.button(key="train").label == "Train"
    assert not app.warning


NONSENSE = {
    "a preset that is not there": ({"preset": "nowhere"}, "no preset"),
    "a run that is not there": ({"run": "vae-0"}, "no run"),
    "a run that climbs out": ({"run": "../../etc"}, "no run"),
    "a knob out of range": ({"batch": "-7"}, "batch"),
    "a knob of no number": ({"batch": "many"}, "batch"),
    "a seed of no number": ({"seed": "x"}, "'x'"),
    "a view of no JSON": ({"view": "{oops"}, "view"),
    "a view too deep": ({"view": "[" * 5000}, "view"),
    "a view of other things": ({"view": '{"hidden": 5}'}, "view"),
    "a playhead nowhere": ({"view": '{"playhead": 1e999}'}, "view"),
    "data that are not there": ({"data": "/etc/passwd"}, "data"),
    "steps out of range": ({"steps": "0"}, "steps"),
    "a preset too long": ({"preset": "x" * 300}, "no preset"),
    "a preset that is a picture": ({"preset": "![p](http://example.org/a.png)"}, r"\!\[p\]"),
}


@pytest.mark.parametrize("slug", MODELS)
@pytest.mark.parametrize("link", NONSENSE)
def test_a_link_of_nonsense_is_named_and_the_page_stands(slug: str, link: str) -> None:
    query, word = NONSENSE[link]
    app = opened(slug, **query)
    assert any(word in warning.value for warning in app.warning), [w.value for w in app.warning]
    assert app.button(key="train")


def test_a_link_to_a_run_shows_what_the_run_was() -> None:
    run = folder.create(wish("vae", {**find("vae").presets["digits"].knobs, "batch": 33}, "digits", 4, 30))
    app = opened("vae", run=run.id)
    boxes = {box.label.split(" ")[0]: box.value for box in app.number_input}
    assert (boxes["batch"], boxes["seed"], boxes["steps"]) == (33, 4, 30)
    assert next(box for box in app.selectbox if box.label == "data").value == "digits"
    folder.remove(run.id)


@pytest.mark.parametrize("slug", MODELS)
def test_a_link_restores_knobs_and_a_moved_knob_is_in_the_link(slug: str) -> None:
    app = opened(slug, batch="37")
    box = next(each for each in app.number_input if each.label.startswith("batch"))
    assert box.value == 37
    box.set_value(41).run()
    assert app.query_params["batch"] == "41"
