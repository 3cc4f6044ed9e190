"""The frame of a model's page: idea, stage, its own pictures, mathematics beside code, claim, neighbours.

A page file makes a `Page` and calls its parts in reading order. What is shown, and with which knobs, is in the URL alone:
preset, data, seed, steps, changed knobs, run, view, and `hide`, the controls a teacher took away.
"""

import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from genviz.catalog import CARDS, FAMILIES, Card
from genviz.claims import newest
from genviz.errors import BadInput
from genviz.studio import sources
from genviz.studio.source_code import method, model_file
from genviz.studio.stage import read_view, stage

if TYPE_CHECKING:  # the stage is on screen before torch is imported
    from genviz.model import Model, Preset

STEPS = "steps"


class Page:
    """One model's page. `default` is the preset shown first, `knobs` are visible without pressing "more",
    `figures` the metrics told beside the stage, with what they are called there."""

    def __init__(self, slug: str, default: str, knobs: Sequence[str], figures: Mapping[str, str] | None = None) -> None:
        self.card: Card = CARDS[slug]
        self.slug, self.visible, self.figures = slug, knobs, figures or {}
        query = st.query_params
        self.problems: list[str] = []
        self.hidden = set(query.get("hide", "").split(","))
        self.preset = query.get("preset", default)
        self.source = self._source(default)
        self.view = self._view()
        with st.container(key="head"):
            st.html(_head(self.card))

    def _source(self, default: str) -> sources.Source | None:
        if run := st.query_params.get("run"):
            try:
                return sources.run(run, self.slug)
            except BadInput as error:
                self.problems.append(f"{str(error)[0].upper()}{str(error)[1:]}. The preset is shown instead.")
        found = sources.pretrained(self.slug, self.preset)
        if found is None and self.preset != default and self.preset not in _presets(self.slug):
            self.problems.append(f"This page has no preset “{self.preset}”; “{default}” is shown.")
            self.preset = default
            found = sources.pretrained(self.slug, default)
        return found

    def _view(self) -> dict[str, Any]:
        try:
            return read_view(st.query_params.get("view", "{}"))
        except ValueError:
            self.problems.append("The view in the link cannot be read; the page opens at its beginning.")
            return {}

    # ------------------------------------------------------------ parts, in reading order

    def idea(self, text: str, diagram: Sequence[str]) -> None:
        """At most 120 words, and the model as a row of boxes: "x", "→ encoder q(z|x)", …"""
        with st.container(key="idea"):
            st.html(f'<div class="gv-idea"><p>{text}</p><div class="gv-diagram">{"".join(map(_box, diagram))}</div></div>')

    def stage(self, panes: Sequence[str], height: int = 360) -> None:
        """The stage with its transport on the left, the controls on the right."""
        with st.container(key="stage-row"):
            left, right = st.columns([2, 1], gap="medium")
        with left:
            for problem in self.problems:
                st.warning(problem)
            if self.source is None:
                st.info("This preset ships no recording: press Train to make one.")
            else:
                label = f"{self.card.title}, {self.preset}"
                view = stage(
                    self.source.id,
                    key=f"stage-{self.source.id}",  # a new timeline starts with a view of its own
                    panes=list(panes),
                    transport=True,
                    height=height,
                    label=label,
                    view=self.view,
                )
                if view and view != self.view:
                    st.query_params["view"] = json.dumps(view, separators=(",", ":"))
        with right, st.container(key="controls", border=True):
            self._controls()

    def _controls(self) -> None:
        from genviz.model import find
        from genviz.studio import form

        model = find(self.slug)
        names = [name for name, preset in model.presets.items() if preset.listed or name == self.preset]
        if "preset" not in self.hidden:
            st.pills(
                "Preset",
                names,
                default=self.preset,
                required=True,
                key=(key := f"preset-{self.preset}"),
                on_change=_choose_preset,
                args=(key,),
                help="Settings known to work",
            )
        preset = model.presets[self.preset]
        start = {**preset.knobs}
        if isinstance(self.source, sources.Source) and self.source.id.startswith("run:"):
            start = self.source.info["knobs"]
        knobs, problems = form.from_url(model, start)
        for problem in problems:
            st.warning(problem)
        declared = model.knobs_declared()
        values = dict(model.validate(knobs))
        shown = [name for name in self.visible if name not in self.hidden]
        rest = [name for name in declared if name not in self.visible and name not in self.hidden]
        columns = st.columns(2)
        for i, name in enumerate(shown):
            with columns[i % 2]:
                form.widget(declared[name], values[name], self._key(name), self._moved)
        with st.expander("More"):
            for name in rest:
                form.widget(declared[name], values[name], self._key(name), self._moved)
            seed, steps, data = self._run_settings(preset)
        self._train(model, values, data, seed, steps)
        if self.source and self.figures:
            stage(self.source.id, key=f"figures-{self.source.id}", figures=self.figures, height=0)

    def _run_settings(self, preset: "Preset") -> tuple[int, int, str]:
        from genviz.data import find, names

        query = st.query_params
        wanted = query.get("data", preset.data or self.preset)
        try:  # only built-in sets by link: a path would let a link read files of this machine
            find(wanted)
        except BadInput as error:
            st.warning(f"The link asks for data that are not here: {error}.")
            wanted = preset.data or self.preset
        options = [wanted, *(name for name in names() if name != wanted)]
        data = st.selectbox("data", options, key=self._key("data"), on_change=_to_url, args=("data", self._key("data")))
        steps = _whole(query.get(STEPS), preset.steps, 1, 1_000_000)
        seed = _whole(query.get("seed"), preset.seed, 0, 2**31 - 1)
        steps = st.number_input(
            "steps", 1, 1_000_000, steps, key=self._key(STEPS), on_change=_to_url, args=(STEPS, self._key(STEPS))
        )
        seed = st.number_input(
            "seed", 0, 2**31 - 1, seed, key=self._key("seed"), on_change=_to_url, args=("seed", self._key("seed"))
        )
        return seed, steps, str(data)

    def _train(self, model: "type[Model]", knobs: Mapping[str, Any], data: str, seed: int, steps: int) -> None:
        running = bool(self.source and self.source.id.startswith("run:"))
        if st.button(
            "Train anew" if running else "Train",
            type="primary",
            width="stretch",
            key="train",
            help="Starts a new run with these knobs",
        ):
            from genviz.service.pool import pool

            try:
                run = pool().start(model.slug, dict(knobs), data, seed, steps)
            except BadInput as error:
                st.error(str(error))
                return
            st.query_params.pop("view", None)
            st.query_params["run"] = run
            st.rerun()
        live = ", ".join(name for name, knob in model.knobs_declared().items() if knob.live)
        st.caption(f"● changes a run while it goes on ({live}); the others take effect when you press Train.")

    def _key(self, name: str) -> str:
        run = st.query_params.get("run", "")
        return f"{self.slug}.{self.preset}.{run}.{name}"

    def _moved(self, name: str, key: str) -> None:
        """A knob was moved: note it in the URL, and edit the run if there is one and the knob is live."""
        value = st.session_state[key]
        st.query_params[name] = str(value)
        from genviz.model import find

        run = st.query_params.get("run")
        if run and find(self.slug).knobs_declared()[name].live:
            from genviz.service.pool import pool

            if problem := pool().command(run, "edit", {"verb": "set", "args": {name: value}}):
                st.toast(problem)

    def pictures(self, *cards: Sequence[str], height: int = 300) -> None:
        """Cards of one pane each, two a row; those this kind of data has no use for are left out."""
        if self.source is None:
            return
        for i in range(0, len(cards), 2):
            for column, panes in zip(st.columns(2, gap="medium"), cards[i : i + 2], strict=False):
                with column, st.container(border=True, key=f"card-{panes[0]}"):
                    stage(self.source.id, key=f"{panes[0]}-{self.source.id}", panes=list(panes), height=height)

    def mathematics(self, equations: Sequence[tuple[str, str, str]]) -> None:
        """Equations beside the source of `fit`: (words, LaTeX, what the code lines of it contain)."""
        st.subheader("The mathematics, and the very code")
        code = method(model_file(self.card.family, self.slug), "fit")
        with st.container(key="mathematics"):
            left, right = st.columns([1, 1.25], gap="large")
            with left:
                for i, (words, latex, _) in enumerate(equations):
                    with st.container(key=f"equation{i}"):
                        st.markdown(f"{words}\n\n$$\n{latex}\n$$")
            right.html(_code(code, [fragment for *_, fragment in equations]))

    def claims(self, words: str, negatives: str = "") -> None:
        """What the paper says, what was measured here, and what did not come out as one might hope."""
        from genviz.studio.claims import claims as show_claims

        st.subheader("Does the paper's claim hold?", anchor="does-the-paper-s-claim-hold")
        st.markdown(words)
        show_claims(self.slug)
        if negatives:
            st.markdown(f"**Honestly:** {negatives}")

    def neighbours(self, changes: Mapping[str, str]) -> None:
        """What this model changes with respect to others, by slug."""
        from genviz.studio.shell import page_files

        st.subheader("Neighbours")
        for slug, text in changes.items():
            card, files = CARDS[slug], page_files()
            with st.container(horizontal=True, vertical_alignment="center"):
                if slug in files:
                    st.page_link(files[slug], label=card.title)
                    st.markdown(text)
                else:
                    st.markdown(f"**{card.title}** (coming): {text}")


# ---------------------------------------------------------------- small pieces


def _presets(slug: str) -> Mapping[str, "Preset"]:
    from genviz.model import find

    return find(slug).presets


def _choose_preset(key: str) -> None:
    chosen = st.session_state[key]
    kept = {"hide": st.query_params["hide"]} if "hide" in st.query_params else {}
    st.query_params.from_dict({"preset": chosen, **kept})


def _to_url(name: str, key: str) -> None:
    st.query_params[name] = str(st.session_state[key])


def _whole(text: str | None, default: int, low: int, high: int) -> int:
    try:
        value = int(text) if text is not None else default
        if low <= value <= high:
            return value
    except ValueError:
        pass
    st.warning(f"The link asks for {text!r} where a whole number from {low} to {high:,} belongs; {default} is used.")
    return default


def _head(card: Card) -> str:
    paper = f'<a href="{card.link}" target="_blank" rel="noopener">{html.escape(card.paper)}</a>{_badge(card.slug)}'
    family = f"{FAMILIES[card.family]} · {card.year}"
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


def _box(text: str) -> str:
    arrow = text.startswith("→")
    return f'<span class="{"gv-arrow" if arrow else "gv-box"}">{html.escape(text)}</span>'


def _code(source: str, fragments: Sequence[str]) -> str:
    """The source with its lines marked by the equation they do; CSS lights both sides under the pointer."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    rows = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).splitlines()
    marked = []
    for plain, row in zip(source.splitlines(), rows, strict=True):
        equation = next((i for i, fragment in enumerate(fragments) if fragment in plain), None)
        marked.append(f'<span class="gv-line{"" if equation is None else f" gv-eq{equation}"}">{row or " "}</span>')
    lit = "".join(
        f".st-key-mathematics:has(.gv-eq{i}:hover) .st-key-equation{i},"
        f".st-key-mathematics:has(.st-key-equation{i}:hover) .gv-eq{i}{{background:var(--gv-lit)}}"
        for i in range(len(fragments))
    )
    return f'<style>{lit}</style><pre class="gv-code">{"".join(marked)}</pre>'
