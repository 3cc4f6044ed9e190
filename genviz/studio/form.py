"""One widget a knob, from the knob's own declaration; the URL keeps what differs from the preset."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from genviz.model import BadInput, Knob, Model


def from_url(model: type[Model], preset: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The knobs the URL asks for on top of the preset's, and what of it could not be used, in plain words."""
    knobs, problems = dict(preset), []
    for name, knob in model.knobs_declared().items():
        if (text := st.query_params.get(name)) is None:
            continue
        try:
            knobs[name] = getattr(model.validate({name: parse(knob, text)}), name)
        except BadInput as error:
            problems.append(f"The link cannot be followed in one point: {error}. The preset's value is used instead.")
    return knobs, problems


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
        label, float(knob.low), float(knob.high), float(value), format="%g", step=stride(float(value)), **options
    )


def stride(value: float) -> float:
    """What a press of + or − adds: half of the value, to one digit, so that no scale is out of reach."""
    return float(f"{value / 2:.0e}") or 0.1
