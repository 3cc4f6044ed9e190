"""The page of a model without a page file, such as a user's own: all that its capabilities give, in the usual order."""

from genviz.claims import newest
from genviz.studio.page import Page


def default_page(slug: str) -> None:
    from genviz.model import find

    model = find(slug)
    page = Page(slug, next(iter(model.presets), ""), list(model.knobs_declared())[:5])
    page.stage()
    page.walk()
    for film in page.films():
        page.film(film)
    if model.trains:
        page.mathematics([])
    if newest(slug):
        page.claims()
