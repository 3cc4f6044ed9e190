"""What surrounds every page: navigation and style."""

from functools import cache, partial
from pathlib import Path

import streamlit as st

from genviz.catalog import CARDS, FAMILIES
from genviz.paths import PACKAGE, ROOT
from genviz.studio.source_code import card_of, model_files

ICON = PACKAGE / "studio" / "icon.png"  # a file of ours: a material icon would be fetched from another host
HEAD_START = 0.5  # seconds for which a stage has the browser to itself when its page is opened
STYLE = (PACKAGE / "studio" / "style.css").read_text()


@cache
def page_files() -> dict[str, Path]:
    """slug -> page file. Pages lie in folders, never directly in pages/ (streamlit would run them as old-style pages)."""
    return {path.stem: path for path in sorted(ROOT.glob("pages/*/*.py"))}


def model_pages() -> dict[str, st.Page]:
    """slug -> the page of every model that is here; one without a file of its own gets the default page."""
    files, found = page_files(), {}
    for slug in model_files():
        card = card_of(slug)
        page = files.get(slug) or partial(_default, slug)
        found[slug] = st.Page(page, title=card.title, url_path=slug, help=card.idea)
    return found


def _default(slug: str) -> None:
    from genviz.studio.default import default_page

    default_page(slug)


def show() -> None:
    """Navigate to the page of the URL and run it."""
    from genviz.studio.home import home

    sections: dict[str, list[st.Page]] = {"": [st.Page(home, title="All models", default=True)]}
    models = model_pages()
    order = [*(slug for slug in CARDS if slug in models), *(slug for slug in models if slug not in CARDS)]
    for family in dict.fromkeys([*FAMILIES, *(card_of(slug).family for slug in order)]):
        if pages := [models[slug] for slug in order if card_of(slug).family == family]:
            sections[FAMILIES.get(family, family)] = pages
    labs = [path for path in page_files().values() if path.parent.name == "labs"]
    if labs:
        sections["Labs"] = [st.Page(path, title=path.stem.replace("_", " ").capitalize(), url_path=path.stem) for path in labs]
    page = st.navigation(sections, position="top")
    st.html(f"<style>{STYLE}</style>")
    page.run()
