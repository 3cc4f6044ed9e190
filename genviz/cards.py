"""What the JSON of runs and of checkpoints holds, and the one place that judges it. Needs no torch."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError, create_model

from genviz.errors import BadInput

VERSION = 1
MOST_STEPS = 2**32 - 1  # of a run: a row of `metrics` has 32 bits for its step
CARD_REMEDY = "take another, or put the old one back"

At = Annotated[int, Field(ge=0, le=MOST_STEPS)]  # a step of a run
Until = Annotated[int, Field(ge=1, le=MOST_STEPS)]


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class Rows(Part):
    """A `model.Spec` in JSON."""

    shape: Annotated[list[PositiveInt], Field(min_length=1)]
    support: Literal["real", "unit", "binary"]
    classes: NonNegativeInt


class Card(Part):
    """What every card says: how to make the model."""

    version: PositiveInt
    model: str
    seed: NonNegativeInt
    knobs: dict[str, Any]
    spec: Rows


class Checkpoint(Card):
    data: str = ""
    sha256: str = ""


class Forked(Part):
    """Where a run came from: until `step` it is the other one; at 0 it may have other knobs from the beginning."""

    run: str
    step: At


class Run(Card):
    data: str
    until: Until
    created: FiniteFloat
    title: str = ""
    note: str = ""  # what a person should know of the data
    sha256: str = ""
    environment: dict[str, str] = {}
    forked: Forked | None = None


class Status(Part):
    """Where a run stands."""

    state: Literal["starting", "running", "paused", "done", "diverged", "stopped", "interrupted"]
    step: At
    until: Until
    message: str
    slow: bool = False


class Edit(Part):
    """A `run.Edit` in JSON."""

    model_config = ConfigDict(strict=True, extra="forbid")
    step: At
    verb: str
    args: dict[str, Any]


Entry = create_model(  # a line of a journal has one of these, docs/wire.md
    "Entry",
    __base__=Part,
    open=(Run, None),
    columns=(list[str], None),
    edit=(Edit, None),
    keyframe=(At, None),
    every=(Until, None),
    status=(Status, None),
)


def judged(value: Any, kind: type[Part], what: str, remedy: str) -> Any:
    """`value` as it is, or a `BadInput` that says of `what` what is missing or wrong."""
    try:
        kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise BadInput(f"{what}, {place}: {first['msg']}; {remedy}") from None
    return value


def parsed(text: str | bytes, kind: type[Card], what: str) -> dict[str, Any]:
    """The card in `text`, or a `BadInput` that says of `what` what is missing or wrong."""
    try:
        card = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{what} holds no readable JSON: {CARD_REMEDY}") from None
    version = card.get("version") if isinstance(card, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise BadInput(f"{what} was written by a newer genviz (format {version}, this one reads {VERSION}): update genviz")
    return judged(card, kind, what, CARD_REMEDY)
