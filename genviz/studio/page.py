"""The frame of a model's page: idea, stage, its own pictures, mathematics beside code, claim, neighbours.

A page file makes a `Page` and calls its parts in reading order. What is shown, and with which knobs, is in the URL alone:
preset, data, seed, steps, changed knobs, run, view, and `hide`, the controls a teacher took away.
"""

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from genviz.catalog import CARDS, Card
from genviz.errors import BadInput
from genviz.paths import PACKAGE
from genviz.studio import shell, source_code, sources
from genviz.studio.link import is_name, plain, read_view
from genviz.studio.markup import box, head, lit_code
from genviz.studio.stage import stage

if TYPE_CHECKING:  # the stage is on screen before torch is imported
    from genviz.model import Model, Preset
    from genviz.studio.form import Wanted


MOST = 4  # runs on a stage


class Page:
    """One model's page. `default` is the preset shown first, `knobs` are visible without pressing "more",
    `figures` the metrics told beside the stage: what they are called there, and how they are computed."""

    def __init__(
        self, slug: str, default: str, knobs: Sequence[str], figures: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        self.card: Card = source_code.card_of(slug)
        self.slug, self.default, self.visible = slug, default, knobs
        self.figures = {name: {"label": label, "how": how} for name, (label, how) in (figures or {}).items()}
        self.problems: list[str] = []
        self.hidden = set(st.query_params.get("hide", "").split(","))
        self.run = self._run()
        self.beside = self._beside()
        self.preset = self._preset()
        self.source = self.run or sources.pretrained(slug, self.preset)
        self.view, self.walking = self._view("view"), self._view("walk")
        with st.container(key="head"):
            st.html(head(self.card))

    def _run(self) -> sources.Source | None:
        if not (run := st.query_params.get("run")):
            return None
        try:
            return sources.run(run, self.slug)
        except BadInput as error:
            self.problems.append(f"{str(error)[0].upper()}{str(error)[1:]}. The preset is shown instead.")
            return None

    def _beside(self) -> list[str]:
        """All the runs on the stage, if there is more than that of the page."""
        if not self.run:
            return []
        own = self.run.id.partition(":")[2]
        names = list(dict.fromkeys(filter(None, st.query_params.get("beside", "").split(","))))
        names += [] if own in names else [own]
        if len(names) > MOST:
            self.problems.append(f"The link asks for {len(names)} runs; the stage holds {MOST} of them.")
            names = [*[name for name in names if name != own][: MOST - 1], own]
        found: list[str] = []
        for name in names:
            try:
                found.append(sources.run(name, self.slug).id)
            except BadInput as error:
                self.problems.append(f"The link asks for another run beside this one, but {error}. It is left out.")
        return found if len(found) > 1 else []

    def _preset(self) -> str:
        """The preset nearest to the run, "" for one that came from none; without a run that of the link."""
        if self.run:
            return sources.like(self.run.info, _presets(self.slug))
        if (asked := st.query_params.get("preset")) is None:
            return self.default
        if is_name(asked) and (sources.pretrained(self.slug, asked) or asked in _presets(self.slug)):
            return asked
        self.problems.append(f"This page has no preset “{asked[:64]}”; “{self.default}” is shown.")
        return self.default

    def _view(self, name: str = "view") -> dict[str, Any]:
        try:
            return read_view(st.query_params.get(name, "{}"))
        except ValueError:
            self.problems.append("The view in the link cannot be read; the page opens at its beginning.")
            return {}

    @property
    def trains(self) -> bool:
        """Whether there is anything to train; a recording tells, so that the stage need not wait for the model."""
        if self.source:
            return self.source.info.get("steps") != 0
        from genviz.model import find

        return find(self.slug).trains

    # ------------------------------------------------------------ parts, in reading order

    def idea(self, text: str, diagram: Sequence[str]) -> None:
        """At most 120 words, and the model as a row of boxes: "x", "→ encoder q(z|x)", …"""
        with st.container(key="idea"):
            st.html(f'<div class="gv-idea"><p>{text}</p><div class="gv-diagram">{"".join(map(box, diagram))}</div></div>')

    def stage(self, panes: Sequence[str] | None = None, height: int = 360) -> None:
        """The stage with its transport on the left, the controls on the right; without names, all there is to see."""
        with st.container(key="stage-row"):
            left, right = st.columns([2, 1], gap="medium")
        with left:
            for problem in self.problems:
                st.warning(plain(problem))
            if self.source is None:
                st.info("This preset ships no recording" + (": press Train to make one." if self.trains else "."))
            else:
                self._timeline(self.source.id, None if panes is None else list(panes), height)
                if note := self.source.info.get("note"):
                    st.caption(f"Of these data, {plain(note)}.")
        if (seen := f"{self.slug} seen") not in st.session_state:  # what comes now is busy work for a browser
            st.session_state[seen] = True
            time.sleep(shell.HEAD_START)
        with right, st.container(key="controls", border=True):
            self._controls()

    @st.fragment  # looking round reruns this alone, not the page
    def _timeline(self, source: str, panes: list[str] | None, height: int) -> None:
        stage(
            source,
            key="stage-run" if self.run else f"stage-{source}",  # one run takes the other's place where it stands
            panes=panes,
            transport=self.trains,
            height=height,
            label=self._label(),
            view=self.view,
            beside=self.beside,
            looked=self._looked,
            moved=self._pulled,
        )
        if self.run and st.query_params.get("run") != self.run.id.partition(":")[2]:
            st.rerun()  # knobs, figures and cards are those of the run chosen on the stage

    def _label(self) -> str:
        return f"{self.card.title}, {self.preset or (self.run and self.run.info['data'])}"

    def _looked(self, view: dict[str, Any]) -> None:
        """The viewer did something on the stage: its state, and which runs are there, go into the link."""
        run, beside, given = view.pop("run", ""), view.pop("beside", []), view.pop("given", "")
        if not (run and self.run):
            self._note("view", view)
            return
        shown = self.run.id.partition(":")[2]
        if run != shown and self.run.id not in given:  # sent before the stage heard what this page shows
            run, beside = shown, [name.partition(":")[2] for name in self.beside]
        link = st.query_params.to_dict()
        if run != link.get("run"):  # what was wanted of the other one is past
            link = {"run": run, **({"hide": link["hide"]} if "hide" in link else {})}
        link |= {"beside": ",".join(beside), "view": json.dumps(view, separators=(",", ":"))}
        link = {name: text for name, text in link.items() if text}
        if link != st.query_params.to_dict():
            st.query_params.from_dict(link)  # one step of the browser's history

    def _note(self, name: str, view: dict[str, Any]) -> None:
        """A person's view goes into the link."""
        if (text := json.dumps(view, separators=(",", ":"))) != st.query_params.get(name):
            st.query_params[name] = text

    def walk(
        self,
        program: str = "gibbs",
        panes: Sequence[str] | None = None,
        height: int = 300,
        begin: Mapping[str, Any] | None = None,
    ) -> None:
        """A chain that the browser runs itself, with the weights at the playhead, on a stage of its own; nothing where this
        kind of data has no such program. `begin` is how it stands where the link says nothing (`link.WALK`)."""
        if self.source and program in sources.programs(self.source, program):
            view = self.walking or ({"walk": dict(begin)} if begin else {})
            with st.container(key=f"walk-{program}"):
                self._walk(f"walk:{self.source.id}/{program}", None if panes is None else list(panes), height, view)

    @st.fragment
    def _walk(self, source: str, panes: list[str] | None, height: int, view: dict[str, Any]) -> None:
        label, looked = f"{self._label()}, a chain", partial(self._note, "walk")
        stage(source, key=source, panes=panes, transport=True, height=height, label=label, view=view, looked=looked)

    def race(self, height: int = 300) -> None:
        """Samplers side by side on the target that is shown, run in the browser; nothing where there is no such course."""
        if self.source and sources.pictured(self.source, "race") and "score" in sources.programs(self.source, "score"):
            with st.container(key="race"):
                self._race(f"race:{self.source.id}", height)

    @st.fragment
    def _race(self, source: str, height: int) -> None:
        label, looked, view = f"{self._label()}, a race", partial(self._note, "race"), self._view("race")
        stage(source, key=source, transport=True, height=height, label=label, view=view, looked=looked)

    def damage(self, height: int = 300) -> None:
        """A plane of noise and load, painted with recalls that the browser runs; nothing where there is no such plane."""
        if self.source and sources.pictured(self.source, "damage"):
            with st.container(border=True, key="card-damage"):
                self._damage(f"damage:{self.source.id}", height)

    @st.fragment
    def _damage(self, source: str, height: int) -> None:
        label, looked, view = f"{self._label()}, damaged memories", partial(self._note, "damage"), self._view("damage")
        stage(source, key=source, height=height, label=label, view=view, looked=looked)

    def _controls(self) -> None:
        """Preset, knobs, the run's settings, Train. Each part is a fragment: moving a knob reruns its neighbours alone."""
        presets = _presets(self.slug)
        names = [name for name, preset in presets.items() if preset.listed or name == self.preset]
        if names and "preset" not in self.hidden:
            st.pills(
                "Preset",
                names,
                default=self.preset or None,
                required=bool(self.preset),
                key=(key := f"preset-{self.preset}"),
                on_change=_choose_preset,
                args=(key,),
                help="Settings known to work",
            )
        wanted = self._wanted()
        for name, problem in wanted.problems.items():
            if name not in self.visible:
                st.warning(plain(problem))
        if not self.trains:
            st.caption("There is nothing to train here. The pictures below have controls of their own.")
            return
        self._knobs([name for name in self.visible if name not in self.hidden], 2)
        if "train" not in self.hidden:
            self._train()
        if self.source and self.figures:
            stage(self.source.id, key=f"figures-{self.source.id}", figures=self.figures, height=0)
        self._more([name for name in wanted.knobs if name not in (*self.visible, *self.hidden)])

    @st.fragment
    def _more(self, names: Sequence[str]) -> None:
        """The rest of the controls; made when asked for, as a browser needs a while for them."""
        more = st.expander("More", key=f"{self.slug}.more", on_change="rerun")
        if more.open:
            with more:
                self._knobs(names, 1)
                self._settings()

    def _wanted(self) -> "Wanted":
        """What a new run would be: the preset's or the shown run's settings, changed by what the link asks for."""
        from genviz.face import PLAIN
        from genviz.model import find
        from genviz.studio.form import Wanted

        model, problems = find(self.slug), {}
        preset = model.presets.get(self.preset, PLAIN)
        wanted = Wanted(model, dict(preset.knobs), preset.data or self.preset or "moons", preset.steps, preset.seed)
        if self.run:
            told, knobs = self.run.info, {}
            try:
                knobs = dict(model.validate(told["knobs"]))  # those it began with, for a run that went meanwhile
                knobs = dict(model.validate(sources.knobs_now(self.run)))
            except BadInput as error:
                which = "those it began with" if knobs else "the model's own"
                problems["run"] = f"The knobs of this run cannot be read: {error}. The form shows {which}."
            wanted = Wanted(model, knobs, told["data"], told["until"], told["seed"], problems)
        return wanted.changed(st.query_params)

    @st.fragment
    def _knobs(self, names: Sequence[str], across: int) -> None:
        from genviz.studio.form import widget

        wanted = self._wanted()
        columns = st.columns(across)
        for i, name in enumerate(names):
            with columns[i % across]:
                widget(wanted.model.knobs_declared()[name], wanted.knobs[name], self._key(name), self._moved)
        self._tell(names, wanted)
        now = self._shown(wanted.model)
        if waiting := [name for name in names if name in now and now[name] != wanted.knobs[name]]:
            changes = ", ".join(f"{name} = {wanted.knobs[name]} (shown: {now[name]})" for name in waiting)
            st.caption(f"Press Train to see {plain(changes)}.")

    def _tell(self, names: Sequence[str], wanted: "Wanted") -> None:
        """What was just refused, or what the link asked for in vain."""
        for name in names:
            if problem := st.session_state.pop(f"{self._key(name)}!", wanted.problems.get(name)):
                st.warning(plain(problem))

    def _set(self, name: str, key: str) -> None:
        """Data, steps or seed were chosen: note them in the URL, or say why not."""
        text, wanted = str(st.session_state[key]), self._wanted()
        if problem := wanted.changed({name: text}).problems.get(name):
            st.session_state[f"{self._key(name)}!"] = problem
        elif text != str(getattr(wanted, name)):
            st.query_params[name] = text

    def _shown(self, model: type["Model"]) -> dict[str, Any]:
        """The knobs of what is on the stage."""
        if self.source is None:
            return {}
        try:
            return dict(model.validate(sources.knobs_now(self.run) if self.run else self.source.info["knobs"]))
        except BadInput:
            return {}  # told above

    @st.fragment
    def _settings(self) -> None:
        from genviz.data import offered
        from genviz.studio.form import fresh

        wanted = self._wanted()
        spec = self.source.info["spec"] if self.source else {"shape": [2], "support": "real"}

        def control(name: str, value: Any) -> dict[str, Any]:
            key = fresh(self._key(name), value)
            return {"key": key, "on_change": self._set, "args": (name, key)}

        if "data" not in self.hidden:
            options = [wanted.data, *(name for name in offered(spec["shape"], spec["support"]) if name != wanted.data)]
            st.selectbox("data", options, **control("data", wanted.data))
        if "steps" not in self.hidden:
            st.number_input("steps", value=wanted.steps, **control("steps", wanted.steps))
        if "seed" not in self.hidden:
            st.number_input("seed", value=wanted.seed, **control("seed", wanted.seed))
        self._tell(["data", "steps", "seed"], wanted)

    @st.fragment
    def _train(self) -> None:
        wanted = self._wanted()
        label = "Train anew" if self.run else "Train"
        if st.button(label, type="primary", width="stretch", key="train", help="Starts a new run with these knobs"):
            if problem := self._start(wanted):
                st.error(plain(problem))
                return
            st.rerun()
        live = ", ".join(name for name, knob in wanted.model.knobs_declared().items() if knob.live)
        kept = ""
        if self.run:
            anew = self._anew(wanted)
            where = (
                "with the same seed, drawn beside this one" if anew else "in place of this one, as its data or seed are others"
            )
            kept = f" That starts a new run from step 0, {where}; a run that still trains pauses then."
        told = f"● changes a run while it goes on ({live}); the others" if live else "Knobs"
        st.caption(f"{told} take effect when you press Train.{kept}")

    def _anew(self, wanted: "Wanted") -> bool:
        """Whether the new run is the shown one begun again with other knobs: the two are then drawn beside each other."""
        return bool(self.run) and (wanted.data, wanted.seed) == (self.run.info["data"], self.run.info["seed"])

    def _start(self, wanted: "Wanted") -> str:
        """A new run, which the link then asks for; or why there is none."""
        from genviz.service.pool import pool

        parent = self.run.id.partition(":")[2] if self.run else ""
        anew = self._anew(wanted)
        beside = [*filter(None, st.query_params.get("beside", parent).split(","))] if anew else []
        if len(beside) >= MOST:
            return f"{MOST} runs are on the stage, which is all it holds: take one off with its ×, then press Train"
        try:
            run = pool().start(self.slug, wanted.knobs, wanted.data, wanted.seed, wanted.steps, parent=parent if anew else "")
        except BadInput as error:
            return str(error)
        if parent:
            pool().command(parent, "pause")  # two would share the machine
        for name in [
            each for each in st.query_params if each in ("view", "walk", "race", "damage", "beside") or each.startswith("film.")
        ]:
            st.query_params.pop(name)
        st.query_params["run"] = run
        if beside:
            st.query_params["beside"] = ",".join([*beside, run])
        return ""

    def _key(self, name: str) -> str:
        return f"{self.slug}.{self.preset}.{self.run.id if self.run else ''}.{name}"

    def _moved(self, name: str, key: str) -> None:
        """A control was moved."""
        self._change(name, st.session_state[key])

    def _pulled(self, knobs: dict[str, Any]) -> None:
        """Handles in a picture were moved: as if it had been the controls, which show it."""
        for name, value in knobs.items():
            if self._change(name, value):
                st.toast(f"{name} = {value:.3g}: press Train to see it.")
        st.rerun()

    def _change(self, name: str, value: Any) -> bool:
        """Note a knob in the URL, and edit the run if there is one and the knob is live; or say why not. Whether it changed."""
        from genviz.model import find

        model = find(self.slug)
        try:
            value = getattr(model.validate({name: value}), name)
        except BadInput as error:
            st.session_state[f"{self._key(name)}!"] = f"{error}. Nothing was changed."
            return False
        if value == self._wanted().knobs[name]:  # a page that is loaded anew may tell of controls that nobody moved
            return False
        if self.run and model.knobs_declared()[name].live:
            from genviz.service.pool import pool

            run = self.run.id.partition(":")[2]
            if problem := pool().command(run, "edit", {"verb": "set", "args": {name: value}}):
                st.session_state[f"{self._key(name)}!"] = f"{name} was not changed: {problem}."
                return False
        st.query_params[name] = str(value)
        return True

    def pictures(self, *cards: Sequence[str], height: int = 300) -> None:
        """Cards of one pane each, two a row; those this kind of data has no use for are left out."""
        if (source := self.source) is None:
            return
        cards = tuple(panes for panes in cards if any(sources.pictured(source, pane) for pane in panes))
        for i in range(0, len(cards), 2):
            for column, panes in zip(st.columns(2, gap="medium"), cards[i : i + 2], strict=False):
                with column, st.container(border=True, key=f"card-{panes[0]}"):
                    key = f"{panes[0]}-{source.id}"
                    stage(source.id, key=key, panes=list(panes), height=height, moved=self._pulled)

    def films(self) -> list[str]:
        """The films there are of what is on the stage."""
        return sources.films(self.source) if self.source else []

    def film(self, panel: str, height: int = 300, of: tuple[str, str] | None = None) -> None:
        """A card that plays a film of the model's chain; its title, words and knobs come with it. Nothing where this kind of
        data has no such film. With `of` it is that of another model, by its slug and preset."""
        source = sources.pretrained(*of) if of else self.source
        if source and panel in sources.films(source):
            with st.container(border=True, key=f"card-{panel}"):
                self._film(f"film:{source.id}/{panel}", panel, height)

    @st.fragment
    def _film(self, source: str, panel: str, height: int) -> None:
        name, key = f"film.{panel}", f"{panel}-{source}"
        view = self._view(name)
        label, looked = f"{self.card.title}, {panel}", partial(self._note, name)
        stage(source, key=key, transport=True, height=height, label=label, view=view, looked=looked)

    def mathematics(self, equations: Sequence[tuple[str, str, str]], code: Sequence[tuple[str, str]] = ()) -> None:
        """Equations beside the source of `fit`: (words, LaTeX, what the code lines of it contain). Where there is none, beside
        the functions in `code`: a file of the package and a name, each."""
        st.subheader("The mathematics, and the very code" if equations else "The very code")
        parts = [(PACKAGE / file, name) for file, name in code] or [(source_code.model_files()[self.slug], "fit")]
        shown = "\n\n".join(source_code.method(file, name) for file, name in parts)
        with st.container(key="mathematics"):
            left, right = st.columns([1, 1.25], gap="large")
            with left:
                for i, (words, latex, _) in enumerate(equations):
                    with st.container(key=f"equation{i}"):
                        st.markdown(f"{words}\n\n$$\n{latex}\n$$")
            right.html(lit_code(shown, tuple(fragment for *_, fragment in equations)))

    def claims(self, words: str = "", negatives: str = "") -> None:
        """What the paper says, what was measured here, and what did not come out as one might hope."""
        from genviz.studio.claims import claims as show_claims

        st.subheader("Does the paper's claim hold?", anchor="does-the-paper-s-claim-hold")
        st.markdown(words)
        show_claims(self.slug)
        if negatives:
            st.markdown(f"**Honestly:** {negatives}")

    def neighbours(self, changes: Mapping[str, str]) -> None:
        """What this model changes with respect to others, by slug."""
        st.subheader("Neighbours")
        for slug, text in changes.items():
            card, files = CARDS[slug], shell.page_files()
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
