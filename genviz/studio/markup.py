"""The small pieces of a page that are HTML: its head, the boxes of its diagram, the code that lights up."""

import html
from functools import lru_cache
from urllib.parse import quote

from genviz.catalog import FAMILIES, Card
from genviz.claims import newest

FILES = {
    "script": "Python that trains it again with genviz alone, and compares",
    "notebook": "The same, cell by cell",
    "weights": "The newest that were kept, as safetensors",
}


def head(card: Card) -> str:
    paper = html.escape(card.paper)
    if card.link:
        paper = f'<a href="{card.link}" target="_blank" rel="noopener">{paper}</a>'
    paper += _badge(card.slug)
    family = FAMILIES.get(card.family, card.family) + (f" · {card.year}" if card.year else "")
    return (
        f'<header class="gv-head"><p class="gv-kicker">{family}<span>{paper}</span></p>'
        f"<h1>{html.escape(card.title)}</h1><p>{html.escape(card.idea)}</p></header>"
    )


def _badge(slug: str) -> str:
    """How the paper's claims came out here, in a word."""
    results = newest(slug)
    if not results:
        return ""
    held = sum(result.holds for result in results)
    seeds = len({seed for result in results for seed in result.seeds})
    told = "claims hold" if held == len(results) else f"{held} of {len(results)} claims hold"
    return f' · <a href="#does-the-paper-s-claim-hold">{told}, {seeds} seeds, {max(r.date for r in results)[:10]}</a>'


def files(run_id: str) -> str:
    """Links to what the server makes of a run."""
    at = f"api/run/{quote(run_id, safe='')}/export"
    links = (f'<a href="{at}/{what}" download title="{told}">{what}</a>' for what, told in FILES.items())
    return f'<span class="gv-files">{" · ".join(links)}</span>'


def box(text: str) -> str:
    arrow = text.startswith("→")
    return f'<span class="{"gv-arrow" if arrow else "gv-box"}">{html.escape(text)}</span>'


@lru_cache(maxsize=64)
def lit_code(source: str, fragments: tuple[str, ...]) -> str:
    """The source with its lines marked by the equation they do; CSS lights both sides under the pointer."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    rows = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).splitlines()
    marked = []
    for line, row in zip(source.splitlines(), rows, strict=True):
        equation = next((i for i, fragment in enumerate(fragments) if fragment in line), None)
        marked.append(f'<span class="gv-line{"" if equation is None else f" gv-eq{equation}"}">{row or " "}</span>')
    lit = "".join(
        f".st-key-mathematics:has(.gv-eq{i}:hover) .st-key-equation{i},"
        f".st-key-mathematics:has(.st-key-equation{i}:hover) .gv-eq{i}{{background:var(--gv-lit)}}"
        for i in range(len(fragments))
    )
    return f'<style>{lit}</style><pre class="gv-code">{"".join(marked)}</pre>'
