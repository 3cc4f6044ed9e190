"""What a link may say of a chain in the browser."""

import json
from typing import Any

import pytest

from genviz.studio.link import read_view

VIEW = {"chains": 4, "seed": 9, "temperature": 2.5, "grain": "unit", "begin": "data", "flips": 0.15, "clamp": "0-27+,40-"}


def test_the_view_of_a_walk_is_read_as_it_was_written() -> None:
    assert read_view(json.dumps({"walk": VIEW, "hidden": []})) == {"walk": VIEW, "hidden": []}


@pytest.mark.parametrize(
    "walk",
    [
        {"chains": 1000},
        {"seed": -1},
        {"temperature": "hot"},
        {"grain": "year"},
        {"begin": "x"},
        {"clamp": "<b>"},
        {"else": 1},
        5,
    ],
)
def test_one_that_makes_no_sense_is_refused(walk: Any) -> None:
    with pytest.raises(ValueError, match="not a view"):
        read_view(json.dumps({"walk": walk}))
