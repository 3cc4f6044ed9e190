"""One knob swept over shipped presets: what it costs and what it buys."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from genviz.studio.page import Page
from genviz.studio.sources import pretrained
from genviz.studio.stage import still

if TYPE_CHECKING:  # layers know torch
    from genviz.layers import Scene


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
        with st.container(horizontal=True):
            for value, source in found.items():
                here = page.source == source
                st.button(
                    f"{knob} = {value:g} is on the stage" if here else f"load {knob} = {value:g}",
                    key=f"load-{value}",
                    on_click=_load,
                    args=(presets[value], f"{knob} = {value:g}"),
                    disabled=here,
                )


def _load(preset: str, what: str) -> None:
    st.query_params.from_dict({"preset": preset})
    st.toast(f"{what} is on the stage, at the top of the page.")
