"""Every page runs, from the catalogue alone and from links that make no sense, and says in words what it could not use."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from genviz.catalog import CARDS, CATALOG, FAMILIES
from genviz.data import Data
from genviz.model import Knob, Model, Step, discover, find, knob
from genviz.paths import PACKAGE
from genviz.rng import Rng
from genviz.service import folder, pool
from genviz.service.build import wish
from genviz.studio import form, sources
from genviz.studio.shell import page_files

MAIN = str(PACKAGE / "studio" / "entry" / "main.py")
MODELS = [slug for slug in page_files() if slug in CARDS]
TRAINED = [slug for slug in MODELS if find(slug).trains]


def opened(slug: str = "", **query: str) -> AppTest:
    """A page with all its controls."""
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.session_state[f"{slug}.more"] = True
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if slug:
        app.switch_page(str(page_files()[slug])).run()
    assert not app.exception, app.exception[0].value
    return app


def test_the_catalogue_and_the_registry_agree() -> None:
    assert len(CATALOG) == 29
    for slug, model in discover().items():
        if slug in CARDS:
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


@pytest.fixture(autouse=True)
def no_browser_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genviz.studio.shell.HEAD_START", 0.0)


@pytest.fixture
def workers() -> Iterator[None]:
    """Worker processes end with the test that started them."""
    yield
    pool.close()


def counting(slug: str) -> str:
    """A knob that counts something, from 1 on: `batch`, where there is one."""
    knobs = find(slug).knobs_declared()
    return "batch" if "batch" in knobs else next(name for name, each in knobs.items() if each.kind is int and each.low == 1)


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
    assert [button.label for button in app.button if button.key == "train"] == ["Train"] * (slug in TRAINED)
    assert not app.warning


NONSENSE = {
    "a preset that is not there": ({"preset": "nowhere"}, "no preset"),
    "a run that is not there": ({"run": "vae-0"}, "no run"),
    "a run that climbs out": ({"run": "../../etc"}, "no run"),
    "a knob out of range": ({"COUNTING": "-7"}, "-7 is outside"),
    "a knob of no number": ({"COUNTING": "many"}, "many"),
    "a seed of no number": ({"seed": "x"}, "'x'"),
    "a view of no JSON": ({"view": "{oops"}, "view"),
    "a view too deep": ({"view": "[" * 5000}, "view"),
    "a view of other things": ({"view": '{"hidden": 5}'}, "view"),
    "a playhead nowhere": ({"view": '{"playhead": 1e999}'}, "view"),
    "data that are not there": ({"data": "/etc/passwd"}, "data"),
    "data with a parameter that they have not": ({"data": "moons:zzz=1"}, "zzz"),
    "data with a parameter of no number": ({"data": "moons:s=wide"}, "wide"),
    "steps out of range": ({"steps": "0"}, "steps"),
    "a preset too long": ({"preset": "x" * 300}, "no preset"),
    "a preset that is a picture": ({"preset": "![p](http://example.org/a.png)"}, r"\!\[p\]"),
}


@pytest.mark.parametrize("slug", MODELS)
@pytest.mark.parametrize("link", NONSENSE)
def test_a_link_of_nonsense_is_named_and_the_page_stands(slug: str, link: str) -> None:
    query, word = NONSENSE[link]
    app = opened(slug, **{counting(slug) if name == "COUNTING" else name: value for name, value in query.items()})
    assert any(word in warning.value for warning in app.warning), [w.value for w in app.warning]
    assert any(button.key == "train" for button in app.button) == (slug in TRAINED)


def test_a_link_to_a_run_shows_what_the_run_was() -> None:
    run = folder.create(wish("vae", {**find("vae").presets["digits"].knobs, "batch": 33}, "digits", 4, 30))
    app = opened("vae", run=run.id)
    boxes = {each.label.split(" ")[0]: each.value for each in app.number_input}
    assert (boxes["batch"], boxes["seed"], boxes["steps"]) == (33, 4, 30)
    assert next(each for each in app.selectbox if each.label == "data").value == "digits"
    folder.remove(run.id)


def test_a_link_to_several_runs_names_those_that_are_gone_and_those_too_many() -> None:
    made = [folder.create(wish("vae", {}, "moons", seed, 30)).id for seed in range(5)]
    app = opened("vae", run=made[0], beside=f"{made[1]},vae-0,{made[0]}")
    (warning,) = app.warning
    assert "no run 'vae-0'" in warning.value and "left out" in warning.value
    app = opened("vae", run=made[0], beside=",".join(made))
    assert "asks for 5 runs; the stage holds 4" in app.warning[0].value
    for run in made:
        folder.remove(run)


def test_the_runs_page_says_where_a_fork_came_from() -> None:
    first = folder.create(wish("vae", {}, "moons", 0, 10))
    second = folder.fork(first.id, 0)
    third = folder.create(wish("vae", {"hidden": 9}, "moons", 0, 10, parent=first.id))
    links = [link.proto.label for link in opened("runs").get("page_link")]
    assert links.count("begun anew: see both") == 2
    folder.remove(first.id)
    app = opened("runs")
    assert sum("not here any more" in caption.value for caption in app.caption) == 2
    for run in (second, third):
        folder.remove(run.id)


def box(app: AppTest, name: str) -> Any:
    return next(each for each in app.number_input if each.label.startswith(name))


@pytest.mark.parametrize("slug", TRAINED)
def test_a_knob_out_of_range_is_named_and_changes_nothing(slug: str) -> None:
    app = opened(slug)
    name = counting(slug)
    before = box(app, name).value
    box(app, name).set_value(-7).run()
    assert not app.exception
    assert any(f"{name} = -7 is outside 1" in warning.value for warning in app.warning)
    assert box(app, name).value == before
    assert name not in app.query_params


def test_what_waits_for_train_is_said() -> None:
    app = opened("vae")
    box(app, "beta").set_value(2.0).run()
    assert "Press Train to see beta = 2.0 (shown: 1.0)." in [caption.value.replace("\\", "") for caption in app.caption]


def test_a_run_that_is_removed_while_its_page_is_open_breaks_nothing(workers: None) -> None:
    run = folder.create(wish("vae", {}, "moons", 0, 10))
    app = opened("vae", run=run.id)
    folder.remove(run.id)
    box(app, "beta").set_value(2.0).run()
    assert not app.exception
    assert any("The preset is shown instead" in warning.value for warning in app.warning)


def test_a_run_that_went_leaves_its_knobs_in_the_form(workers: None) -> None:
    """In a fragment, where the page does not notice: the form must not fall back to the model's bare defaults."""
    run = folder.create(wish("vae", {"hidden": 77}, "moons", 0, 10))
    source = sources.run(run.id, "vae")
    folder.remove(run.id)
    opened("vae")  # streamlit knows the stage from now on
    from genviz.studio.page import Page

    page = Page.__new__(Page)
    page.slug, page.preset, page.run = "vae", "moons", source
    wanted = page._wanted()
    assert wanted.knobs["hidden"] == 77
    assert "those it began with" in wanted.problems["run"]


def test_steps_out_of_range_are_named_and_change_nothing() -> None:
    app = opened("vae")
    box(app, "steps").set_value(0).run()
    assert any("steps = '0'" in warning.value for warning in app.warning)
    assert box(app, "steps").value == 3000
    assert "steps" not in app.query_params
    box(app, "steps").set_value(500).run()
    assert not app.warning
    assert app.query_params["steps"] == "500"


def test_a_run_of_own_data_claims_no_preset(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("\n".join(["a,b", *(f"{i},{i * i % 7}" for i in range(50))]))
    run = folder.create(wish("vae", {}, str(tmp_path / "mine.csv"), 0, 10))
    app = opened("vae", run=run.id)
    assert not getattr(app.get("button_group")[0], "value", "?")
    options = next(each for each in app.selectbox if each.label == "data").options
    assert options[0].endswith("mine.csv")
    assert "moons" in options
    assert "ising" not in options
    folder.remove(run.id)


class Stranger(Model):
    """Noise and nothing else.

    Source: nobody.
    """

    width: float = knob(1.0, 0.1, 10.0, "spread of the noise", live=True)

    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        while True:
            yield Step({"loss": rng.normal(1)[0]})


def test_a_model_without_a_page_file_gets_the_default_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genviz.studio.source_code.model_files", lambda: {"stranger": Path(__file__)})
    app = AppTest.from_function(strange, default_timeout=60).run()
    assert not app.exception, app.exception[0].value
    assert app.button(key="train").label == "Train"
    assert "Noise and nothing else." in "".join(element.proto.body for element in app.get("html"))


def strange() -> None:
    from genviz.studio.default import default_page

    default_page("stranger")


def test_no_full_collection_follows_a_rerun() -> None:
    assert config.get_option("runner.postScriptGC") is False  # it would cost ten times the rerun


@pytest.mark.parametrize("slug", TRAINED)
def test_a_link_restores_knobs_and_a_moved_knob_is_in_the_link(slug: str) -> None:
    name = counting(slug)
    app = opened(slug, **{name: "37"})
    assert box(app, name).value == 37
    box(app, name).set_value(41).run()
    assert app.query_params[name] == "41"
    app.query_params[name] = "37"  # the browser's Back
    app.run()
    assert box(app, name).value == 37


@pytest.mark.parametrize("slug", TRAINED)
def test_controls_that_nobody_moved_change_nothing(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a browser that loads a page anew tells of them all."""
    made, told = form.widget, list[str]()

    def telling(knob: Knob, value: Any, key: str, changed: Callable[[str, str], None]) -> None:
        made(knob, value, key, changed)
        changed(knob.name, form.fresh(key, value))
        told.append(knob.name)

    monkeypatch.setattr(form, "widget", telling)
    assert not opened(slug).query_params and told
    assert list(opened(slug, **{(name := counting(slug)): "37"}).query_params) == [name]
