"""The home page: the family tree of all the models, and those that are here, moving."""

import html
from urllib.parse import quote

import streamlit as st

from genviz.catalog import CATALOG, FAMILIES, Card
from genviz.studio import sources
from genviz.studio.shell import page_files
from genviz.studio.stage import stage


def home() -> None:
    st.html(
        '<header class="gv-head"><h1>genviz</h1><p>Generative models you can watch: train them live, rewind the training, '
        "drag through their latent spaces, and see whether the paper's claim holds.</p></header>"
    )
    here = page_files()
    cards = [card for card in CATALOG if card.slug in here]
    st.subheader("Here now")
    for i in range(0, len(cards), 2):
        for column, card in zip(st.columns(2, gap="medium"), cards[i : i + 2], strict=False):
            with column, st.container(border=True, key=f"preview-{card.slug}"):
                st.page_link(here[card.slug], label=f"**{card.title}** · {card.year}")
                st.caption(card.idea)
                if recording := sources.first(card.slug):
                    stage(recording.id, key=f"preview-{card.slug}-stage", height=260, panes=["data", "samples"], loop=True)
    if "runs" in here:
        st.page_link(here["runs"], label="Your runs")
    st.subheader("The family tree")
    st.html(tree(set(here)))


def tree(here: set[str]) -> str:
    """A column a family, time running down; lines lead from a model to those that grew from it."""
    columns = {family: i for i, family in enumerate(FAMILIES)}
    row: dict[str, int] = {}
    years: dict[int, int] = {}  # the first row of each year
    for year in sorted({card.year for card in CATALOG}):
        years[year] = first = max(row.values(), default=-1) + 1
        for family in FAMILIES:
            row |= {c.slug: first + i for i, c in enumerate(c for c in CATALOG if c.year == year and c.family == family)}
    at = {card.slug: (columns[card.family], row[card.slug]) for card in CATALOG}
    lines = "".join(_line(at[parent], at[card.slug]) for card in CATALOG for parent in card.grew_from)
    rows = max(row.values()) + 1
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(FAMILIES)} {rows}" preserveAspectRatio="none">'
        f'<g fill="none" stroke="#8B8D98" stroke-opacity="0.55" stroke-width="1.5">{lines}</g></svg>'
    )  # as a background: streamlit's html takes no svg
    times = "".join(f'<time style="grid-row:{top + 2}">{year}</time>' for year, top in years.items())
    lanes = "".join(
        f'<section><h3 style="grid-column:{i + 2}">{FAMILIES[family]}</h3>'
        + "".join(_chip(card, card.slug in here, i + 2, row[card.slug] + 2) for card in CATALOG if card.family == family)
        + "</section>"
        for family, i in columns.items()
    )
    style = f".gv-tree {{ --lines: url('data:image/svg+xml,{quote(drawn)}'); --rows: {rows} }}"
    return f'<style>{style}</style><div class="gv-tree">{times}{lanes}</div>'


def _line(a: tuple[int, int], b: tuple[int, int]) -> str:
    x0, y0, x1, y1 = a[0] + 0.5, a[1] + 0.5, b[0] + 0.5, b[1] + 0.5
    if x0 == x1 and y1 - y0 > 1:  # past the chips between
        return _curve(f"M{x0} {y0} C{x0 + 0.62} {y0} {x0 + 0.62} {y1} {x1} {y1}")
    middle = (y0 + y1) / 2
    return _curve(f"M{x0} {y0} C{x0} {middle} {x1} {middle} {x1} {y1}")


def _curve(path: str) -> str:
    return f'<path d="{path}" vector-effect="non-scaling-stroke"/>'


def _chip(card: Card, here: bool, column: int, row: int) -> str:
    inside = f"<b>{html.escape(card.title)}</b><small>{card.year}{'' if here else ' · coming'}</small>"
    place = f'style="grid-column:{column};grid-row:{row}" title="{html.escape(card.idea, quote=True)}"'
    if here:
        return f'<a class="gv-chip gv-here" href="{card.slug}" target="_self" {place}>{inside}</a>'
    return f'<div class="gv-chip" {place}>{inside}</div>'
