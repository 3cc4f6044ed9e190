"""One widget a knob, from the knob's own declaration; the URL keeps what differs from the preset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from genviz.cards import MOST_STEPS
from genviz.data import check
from genviz.model import BadInput, Knob, Model


@dataclass(frozen=True)
class Wanted:
    """What a new run would be, and what was asked for but cannot be, by name and in plain words."""

    model: type[Model]
    knobs: dict[str, Any]
    data: str
    steps: int
    seed: int
    problems: dict[str, str] = field(default_factory=dict)

    def changed(self, link: Mapping[str, str]) -> "Wanted":
        """With what the link asks for in place of the preset's or the run's own, every knob filled in."""
        problems = dict(self.problems)
        knobs = dict(self.model.validate(self.knobs))
        for name, knob in self.model.knobs_declared().items():
            if (text := link.get(name)) is not None:
                try:
                    knobs[name] = getattr(self.model.validate({name: knob.parse(text)}), name)
                except BadInput as error:
                    problems[name] = f"The link asks for what cannot be: {error}. It is {knobs[name]} instead."
        steps = whole("steps", link.get("steps"), self.steps, 1, MOST_STEPS, problems)
        seed = whole("seed", link.get("seed"), self.seed, 0, 2**31 - 1, problems)
        data = link.get("data", self.data)
        try:  # only built-in sets by link: a path would let a link read files of this machine
            if data != self.data:
                check(data)
        except BadInput as error:
            problems["data"] = f"The link asks for data that are not here: {error}. It shows {self.data}."
            data = self.data
        return Wanted(self.model, knobs, data, steps, seed, problems)


def fresh(key: str, value: Any) -> str:
    """The key of a control that shows `value`: another one than before when the browser's Back, or a refused entry, made
    what it shows differ from what is so."""
    turn = st.session_state.get(f"{key}#", 0)
    if st.session_state.get(f"{key}.{turn}", value) != value:
        st.session_state[f"{key}#"] = turn = turn + 1
    return f"{key}.{turn}"


def widget(knob: Knob, value: Any, key: str, changed: Callable[[str, str], None]) -> Any:
    """The control of one knob; `changed(name, key)` is called when a person moves it, and judges what was typed."""
    label = f"{knob.name.replace('_', ' ')}{' ●' if knob.live else ''}"
    key = fresh(key, value)
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
        return st.number_input(label, value=value, **options)
    step = stride(float(value)) if knob.log else 0.1
    return st.number_input(label, value=float(value), format="%g", step=step, **options)


def stride(value: float) -> float:
    """What a press of + or − adds: half of the value, to one digit, so that no scale is out of reach."""
    return float(f"{value / 2:.0e}") or 0.1


def whole(name: str, text: str | None, default: int, low: int, high: int, problems: dict[str, str]) -> int:
    """A whole number of the link, or the default and a sentence about what was asked."""
    if text is None:
        return default
    try:
        if low <= (value := int(text)) <= high:
            return value
    except ValueError:
        pass
    problems[name] = f"{name} = {text[:40]!r}: give a whole number from {low} to {high:,}. It is {default:,}."
    return default
