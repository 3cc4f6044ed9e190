"""What a link may say of chains in the browser."""

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


LANES = [
    {"sampler": "hmc", "eps": 0.15, "leapfrog": 20},
    {"sampler": "gibbs"},
    {"sampler": "pt", "eps": 0.5, "temperatures": 8},
]
RACE = {"lanes": LANES, "clock": "steps", "chains": 64, "begin": "point", "point": [1.5, -2], "seed": 3, "fog": True}
MORE = {"jumps": True, "rate": 2000, "guess": 9, "tick": 10_000}
SHAPED = {
    "shaping": True,
    "barrier": True,
    "shape": [[3, 1.5, -2], [7], [-5, 0, 0, 2.5]],
    "width": 1.2,
    "escapes": [[0, 21.5, 900, 1]],
}


def test_the_view_of_a_race_is_read_as_it_was_written() -> None:
    assert read_view(json.dumps({"race": RACE | MORE | SHAPED})) == {"race": RACE | MORE | SHAPED}


@pytest.mark.parametrize(
    "race",
    [
        {"lanes": LANES[:1]},
        {"width": 10**400},
        {"escapes": [[0, 10**400, 3]]},
        {"lanes": [*LANES, *LANES]},
        {"lanes": [{"sampler": "mh"}, {"sampler": "nuts"}]},
        {"lanes": [{"sampler": "mh"}, {"eps": 1}]},
        {"lanes": [{"sampler": "mh"}, {"sampler": "mh", "eps": 0}]},
        {"lanes": [{"sampler": "mh"}, {"sampler": "hmc", "leapfrog": 2.5}]},
        {"point": [1]},
        {"begin": "data"},
        {"chains": True},
        {"chains": 65},
        {"tick": -1},
        {"shape": [[0, 1, "x"]]},
        {"shape": [[]]},
        {"shape": [[0, 1, 2, 3, 4]]},
        {"shape": [[0]] * 81},
        {"width": 0},
        {"escapes": [[0, 5]]},
        {"shaping": 1},
        {"else": 1},
        [],
    ],
)
def test_a_race_that_makes_no_sense_is_refused(race: Any) -> None:
    with pytest.raises(ValueError, match="not a view"):
        read_view(json.dumps({"race": race}))


DAMAGE = {"rule": "storkey", "units": 64, "own": True, "together": True, "seed": 3, "filled": True}


def test_the_view_of_damaged_memories_is_read_as_it_was_written() -> None:
    assert read_view(json.dumps({"damage": DAMAGE})) == {"damage": DAMAGE}


@pytest.mark.parametrize(
    "damage", [{"rule": "modern"}, {"units": 1000}, {"own": 1}, {"seed": -1}, {"filled": "yes"}, {"else": 1}, []]
)
def test_one_of_them_that_makes_no_sense_is_refused(damage: Any) -> None:
    with pytest.raises(ValueError, match="not a view"):
        read_view(json.dumps({"damage": damage}))
