"""The card of a film: what is mounted, and what a link says of it."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from genviz.studio.link import read_view


def page() -> None:
    from genviz.studio.page import Page

    Page("vae", "moons", ["lr"]).film("walk")


def mounted(**query: str) -> tuple[AppTest, dict[str, Any]]:
    app = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception[0].value
    (mount,) = app.get("bidi_component")
    return app, json.loads(mount.proto.json)


def test_a_film_is_a_source_of_the_timeline_on_the_page() -> None:
    _, data = mounted()
    assert data["source"] == "film:pretrained:vae-moons/walk"
    assert data["transport"]
    assert data["view"] == {}


VIEW = {"playhead": 3, "film": {"seed": 4, "settings": {"eta": 0.5, "how": "ddim", "on": True}, "clamp": [None, 0.25]}}


def test_a_link_restores_what_was_asked_of_a_film() -> None:
    _, data = mounted(**{"film.walk": json.dumps(VIEW), "view": '{"playhead": 9}'})
    assert data["view"] == VIEW


@pytest.mark.parametrize(
    "film",
    [
        {"seed": -1, "settings": {}, "clamp": None},
        {"seed": 0, "settings": {"eta": [1]}, "clamp": None},
        {"seed": 0, "settings": {}, "clamp": ["x"]},
        {"seed": 0, "settings": {}},
        5,
    ],
)
def test_a_film_that_makes_no_sense_is_refused(film: Any) -> None:
    with pytest.raises(ValueError, match="not a view"):
        read_view(json.dumps({"film": film}))
