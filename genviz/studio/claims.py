"""What was measured of a paper's claim, as a picture with its seeds, date and command."""

from typing import TYPE_CHECKING

import streamlit as st

from genviz.claims import Result, newest
from genviz.studio.stage import still

if TYPE_CHECKING:  # layers know torch
    from genviz.layers import Scene


def claims(slug: str) -> None:
    results = newest(slug)
    if not results:
        st.info(f"Nothing has been measured yet: run `genviz claims {slug}`.")
    for i in range(0, len(results), 2):
        for column, result in zip(st.columns(2, gap="medium"), results[i : i + 2], strict=False):
            with column, st.container(border=True):
                _claim(result)


def _claim(result: Result) -> None:
    verdict = ":green-badge[holds]" if result.holds else ":red-badge[does not hold]"
    seeds = " ".join(map(str, result.seeds))
    st.markdown(f"{verdict} **{result.says}**")
    still(lambda: picture(result), key=f"claim-{result.model}-{result.claim}", version=result.date, height=150)
    better = number(result.mean - result.baseline)
    st.markdown(
        f"{number(result.mean)} {result.unit} against {number(result.baseline)}: "
        f"{better} better, at least {number(result.threshold)} asked (seeds {seeds}, {result.date[:10]})."
    )
    st.caption(f"{result.measure}  \n`{result.command}` · {result.paper}")


def number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def picture(result: Result) -> "Scene":
    """Seeds as dots over the baseline, the threshold as a dashed line."""
    import torch

    from genviz.layers import Pane, Path, Points, Scene

    rows = torch.linspace(0.35, 0.65, len(result.values)) if len(result.values) > 1 else torch.tensor([0.5])
    dots = Points(
        name="seeds", xy=torch.stack([torch.tensor(result.values), rows], 1), role="model", label="measured, a dot a seed"
    )
    asked = result.baseline + result.threshold
    base = torch.tensor([[b, 0.5] for b in result.baselines])
    baseline = Points(name="baseline", xy=base, role="noise", label="baseline", size=2)
    line = Path(name="threshold", xy=torch.tensor([[asked, 0.0], [asked, 1.0]]), role="truth", label="asked for")
    every = [*result.values, *result.baselines, asked]
    low, high = min(every), max(every)
    pad = max((high - low) * 0.1, 1e-3)
    return Scene(
        panes=[
            Pane(
                name="claim",
                title="",
                layers=[baseline, dots, line],
                line=True,
                x=(low - pad, high + pad),
                y=(0.0, 1.0),
                x_label=result.unit,
                alt=(
                    f"Measured {number(result.mean)}, baseline {number(result.baseline)}, asked {number(asked)} {result.unit}."
                ),
            )
        ]
    )
