"""One widget a knob, from the knob's own declaration; the URL keeps what differs from the preset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from genviz.data import find
from genviz.model import BadInput, Knob, Model


@dataclass(frozen=True)
class Wanted:
    """What a new run would be, and what of the link could not be used, in plain words."""

    model: type[Model]
    knobs: dict[str, Any]
    data: str
    steps: int
    seed: int
    problems: tuple[str, ...] = ()

    def changed(self, link: Mapping[str, str]) -> "Wanted":
        """With what the link asks for in place of the preset's or the run's own, every knob filled in."""
        problems: list[str] = []
        knobs = dict(self.model.validate(self.knobs))
        for name, knob in self.model.knobs_declared().items():
            if (text := link.get(name)) is not None:
                try:
                    knobs[name] = getattr(self.model.validate({name: parse(knob, text)}), name)
                except BadInput as error:
                    problems.append(f"The link cannot be followed in one point: {error}. It is {knobs[name]} instead.")
        steps = whole("steps", link.get("steps"), self.steps, 1, 1_000_000, problems)
        seed = whole("seed", link.get("seed"), self.seed, 0, 2**31 - 1, problems)
        data = link.get("data", self.data)
        try:  # only built-in sets by link: a path would let a link read files of this machine
            if data != self.data:
                find(data)
        except BadInput as error:
            problems.append(f"The link asks for data that are not here: {error}. It shows {self.data}.")
            data = self.data
        return Wanted(self.model, knobs, data, steps, seed, tuple(problems))


def parse(knob: Knob, text: str) -> Any:
    """Text as the knob's type; what does not fit stays text, for the validation to name it."""
    if knob.kind is bool:
        return {"yes": True, "no": False, "true": True, "false": False}.get(text.lower(), text)
    try:
        return knob.kind(text)
    except ValueError:
        return text


def widget(knob: Knob, value: Any, key: str, changed: Callable[[str, str], None]) -> Any:
    """The control of one knob; `changed(name, key)` is called when a person moves it."""
    label = f"{knob.name.replace('_', ' ')}{' ●' if knob.live else ''}"
    options: dict[str, Any] = {
        "help": f"{knob.help} ({knob.range})",
        "key": key,
        "on_change": changed,
        "args": (knob.name, key),
    }
    if knob.kind is bool:
        return st.toggle(label, value, **options)
    if knob.choices:
        return st.selectbox(label, knob.choices, knob.choices.index(value), **options)
    assert knob.low is not None
    assert knob.high is not None
    if knob.kind is int and knob.high <= 64:
        return st.slider(label, int(knob.low), int(knob.high), value, **options)
    if knob.kind is int:
        return st.number_input(label, int(knob.low), int(knob.high), value, **options)
    return st.number_input(
        label,
        float(knob.low),
        float(knob.high),
        float(value),
        format="%g",
        step=stride(float(value)) if knob.log else 0.1,
        **options,
    )


def stride(value: float) -> float:
    """What a press of + or − adds: half of the value, to one digit, so that no scale is out of reach."""
    return float(f"{value / 2:.0e}") or 0.1


def whole(name: str, text: str | None, default: int, low: int, high: int, problems: list[str]) -> int:
    """A whole number of the link, or the default and a sentence about what was asked."""
    if text is None:
        return default
    try:
        if low <= (value := int(text)) <= high:
            return value
    except ValueError:
        pass
    problems.append(f"The link asks for {name} = {text[:40]!r}: give a whole number from {low} to {high:,}. It is {default}.")
    return default
