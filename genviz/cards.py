"""What the JSON cards of runs and of checkpoints hold, and the one place that judges them. Needs no torch."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError

from genviz.errors import BadInput

VERSION = 1


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


class Run(Card):
    data: str
    until: PositiveInt
    created: FiniteFloat
    title: str = ""
    sha256: str = ""
    environment: dict[str, str] = {}


def parsed(text: str | bytes, kind: type[Card], what: str) -> dict[str, Any]:
    """The card in `text`, or a `BadInput` that says of `what` what is missing or wrong."""
    try:
        card = json.loads(text)
    except ValueError:
        raise BadInput(f"{what} holds no readable JSON: take another, or put the old one back") from None
    version = card.get("version") if isinstance(card, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise BadInput(f"{what} was written by a newer genviz (format {version}, this one reads {VERSION}): update genviz")
    try:
        kind.model_validate(card)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise BadInput(f"{what}, {place}: {first['msg']}; take another, or put the old one back") from None
    return card
