"""What surrounds every page: navigation and style."""

from functools import cache
from pathlib import Path

import streamlit as st

from genviz.catalog import CARDS, FAMILIES
from genviz.paths import PACKAGE, ROOT

ICON = PACKAGE / "studio" / "icon.png"  # a file of ours: a material icon would be fetched from another host
STYLE = (PACKAGE / "studio" / "style.css").read_text()


@cache
def page_files() -> dict[str, Path]:
    """slug -> page file. Pages lie in folders, never directly in pages/ (streamlit would run them as old-style pages)."""
    return {path.stem: path for path in sorted(ROOT.glob("pages/*/*.py"))}


def show() -> None:
    """Navigate to the page of the URL and run it."""
    from genviz.studio.home import home

    files = page_files()
    sections: dict[str, list[st.Page]] = {"": [st.Page(home, title="All models", default=True)]}
    for family, name in FAMILIES.items():
        cards = [card for card in CARDS.values() if card.family == family and card.slug in files]
        if cards:
            sections[name] = [st.Page(files[c.slug], title=c.title, url_path=c.slug, help=c.idea) for c in cards]
    labs = [path for path in files.values() if path.parent.name == "labs"]
    if labs:
        sections["Labs"] = [st.Page(path, title=path.stem.replace("_", " ").capitalize(), url_path=path.stem) for path in labs]
    page = st.navigation(sections, position="top")
    st.html(f"<style>{STYLE}</style>")
    page.run()
