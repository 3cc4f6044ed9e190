"""Shipped presets on one picture: one knob swept, what it costs and what it buys; or the same figure of several."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from genviz.studio.page import Page
from genviz.studio.sources import Source, history, pretrained
from genviz.studio.stage import still

if TYPE_CHECKING:  # layers know torch
    from genviz.layers import Layer, Role, Scene


def rate_distortion(page: Page, knob: str, presets: Mapping[float, str], reads: str, how: str) -> None:
    """A point for each preset: nats of code against nats lost in the picture, on unseen rows; press one to load it."""
    found = {value: source for value, preset in presets.items() if (source := pretrained(page.slug, preset))}
    if not found:
        return

    def picture() -> "Scene":
        import torch

        from genviz.layers import Pane, Path, Points, Scene

        figures = [source.info["figures"] for source in found.values()]
        xy = torch.tensor([[f["test kl"], -(f["test elbo"] + f["test kl"])] for f in figures])
        names = [f"{knob} = {value:g}" for value in found]
        points = Points(name="sweep", xy=xy, names=names, role="model", size=2, label="a preset each, on unseen rows")
        line = Path(name="frontier", xy=xy[xy[:, 0].argsort()], role="noise")
        on_stage = [i for i, source in enumerate(found.values()) if source == page.source]
        here = Points(name="here", xy=xy[on_stage], role="truth", size=3, label="on the stage")
        told = "; ".join(f"{n}: {a:.1f}, {b:.1f}" for n, (a, b) in zip(names, xy.tolist(), strict=True))
        return Scene(
            panes=[
                Pane(
                    name="sweep",
                    title=f"What does {knob} buy?",
                    layers=[line, points, here],
                    x_label="KL, nats paid for the code",
                    y_label="−E log p(x|z), nats lost",
                    reads=reads,
                    how=how,
                    alt=f"Rate against distortion: {told}",
                )
            ]
        )

    with st.container(border=True, key="rate-distortion"):
        still(
            picture,
            key=f"rate-distortion-{page.slug}",
            version=repr([page.source, *(s.info for s in found.values())]),
            height=260,
        )
        named = {f"{knob} = {value:g}": source for value, source in found.items()}
        _loads(page, named, {f"{knob} = {value:g}": preset for value, preset in presets.items()})


ROLES: "tuple[Role, ...]" = ("model", "data", "error", "noise", "label")  # of curves that lie beside each other


def curves_over(
    page: Page,
    metric: str,
    presets: Mapping[str, str],
    title: str,
    y_label: str,
    reads: str,
    how: str,
    ceiling: float | None = None,
    key: str = "",
) -> None:
    """A figure of several presets over their training, by name; with a dashed line at the best there can be. A page with two
    such pictures gives each a `key`."""
    found = {name: source for name, preset in presets.items() if (source := pretrained(page.slug, preset))}
    lines = {name: line for name, source in found.items() if (line := history(source.id).get(metric))}
    if not lines:
        return

    def picture() -> "Scene":
        import torch

        from genviz.layers import Curves, Pane, Scene

        layers: list[Layer] = []
        for place, (name, line) in enumerate(lines.items()):
            role = ROLES[place % len(ROLES)]
            layers.append(Curves(name=name, xy=torch.tensor(line, dtype=torch.float32), role=role, label=name))
        if ceiling is not None:
            last = max(line[-1][0] for line in lines.values())
            xy = torch.tensor([[0.0, ceiling], [float(last), ceiling]])
            layers.append(Curves(name="ceiling", xy=xy, role="truth", label="the best possible"))
        told = "; ".join(f"{name} ends at {line[-1][1]:.2f}" for name, line in lines.items())
        return Scene(
            panes=[
                Pane(
                    name="curves",
                    title=title,
                    kind="curves",
                    layers=layers,
                    x_label="training step",
                    y_label=y_label,
                    reads=reads,
                    how=how,
                    alt=f"{metric}: {told}",
                )
            ]
        )

    with st.container(border=True, key=f"curves-{page.slug}{key}"):
        still(picture, key=f"curves-over-{page.slug}{key}", version=repr([s.info for s in found.values()]), height=260)
        _loads(page, found, presets)


def _loads(page: Page, found: Mapping[str, Source], presets: Mapping[str, str]) -> None:
    """A button for each preset, which puts it on the stage."""
    with st.container(horizontal=True):
        for name, source in found.items():
            here = page.source == source
            st.button(
                f"{name} is on the stage" if here else f"load {name}",
                key=f"load-{name}",
                on_click=_load,
                args=(presets[name], name),
                disabled=here,
            )


def _load(preset: str, what: str) -> None:
    st.query_params.from_dict({"preset": preset})
    st.toast(f"{what} is on the stage, at the top of the page.")
