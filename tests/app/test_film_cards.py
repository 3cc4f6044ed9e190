"""The card of a film: what is mounted, and what a link says of it."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from genviz.data import dataset
from genviz.model import find
from genviz.studio import sources
from genviz.studio.link import read_view


def page() -> None:
    from genviz.studio.page import Page

    Page("vae", "moons", ["lr"]).film("walk")


def mounted(**query: str) -> list[dict[str, Any]]:
    app = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception[0].value
    return [json.loads(mount.proto.json) for mount in app.get("bidi_component")]


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VAE that had a film."""
    monkeypatch.setattr("genviz.studio.sources.films", lambda source: ["walk"])


def test_what_has_no_such_film_has_no_card() -> None:
    assert mounted() == []


def test_which_films_there_are_is_known_without_the_weights() -> None:
    """One that no picture of points can have, and one that no picture of digits can have."""
    found = {}
    for data, knobs in (("8gaussians", {}), ("digits", {})):
        model = find("diffusion")
        spec = dataset(data).spec
        info = {"model": "diffusion", "knobs": dict(model.validate(knobs)), "spec": {**asdict(spec), "shape": list(spec.shape)}}
        found[data] = sources.films(sources.Source("run:x", info))
    assert found == {"8gaussians": ["chain", "undoing"], "digits": ["chain", "completing"]}
    damaged = {"model": "diffusion", "knobs": {"nobody": 1}, "spec": {"shape": [2], "support": "real", "classes": 0}}
    assert sources.films(sources.Source("run:x", damaged)) == []


@pytest.mark.usefixtures("walk")
def test_a_film_is_a_source_of_the_timeline_on_the_page() -> None:
    (data,) = mounted()
    assert data["source"] == "film:pretrained:vae-moons/walk"
    assert data["transport"]
    assert data["view"] == {}


VIEW = {"playhead": 3, "film": {"seed": 4, "settings": {"eta": 0.5, "how": "ddim", "on": True}, "clamp": [None, 0.25]}}


@pytest.mark.usefixtures("walk")
def test_a_link_restores_what_was_asked_of_a_film() -> None:
    (data,) = mounted(**{"film.walk": json.dumps(VIEW), "view": '{"playhead": 9}'})
    assert data["view"] == VIEW


@pytest.mark.parametrize(
    "film",
    [
        {"seed": -1, "settings": {}, "clamp": None},
        {"seed": 0, "settings": {"eta": [1]}, "clamp": None},
        {"seed": 0, "settings": {}, "clamp": ["x"]},
        {"seed": 0, "settings": {}},
        {"seed": 0, "settings": {}, "clamp": None, "forgotten": "0-x"},
        5,
    ],
)
def test_a_film_that_makes_no_sense_is_refused(film: Any) -> None:
    with pytest.raises(ValueError, match="not a view"):
        read_view(json.dumps({"film": film}))
