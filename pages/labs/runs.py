"""The runs of this machine: open one, take it along, or remove it."""

from datetime import datetime

import streamlit as st

from genviz.errors import BadInput
from genviz.service import RunInfo, folder, remove, runs
from genviz.studio.link import plain
from genviz.studio.markup import files
from genviz.studio.shell import model_pages
from genviz.studio.source_code import card_of
from genviz.studio.sources import Source, knobs_now

SHOWN = 30
GOING = ("running", "starting")
REFRESH = 2.0  # seconds, while something trains


def differing(run: RunInfo) -> str:
    """What sets its knobs apart from their defaults and from the model's presets: "beta 0.5 · latent 5"."""
    from genviz.model import find

    try:
        knobs, model = knobs_now(Source(f"run:{run.id}", folder.find(run.id).card)), find(run.model)
        plainly = {name: knob.default for name, knob in model.knobs_declared().items()}
        known = [plainly | dict(preset.knobs) for preset in model.presets.values()]
        nearest = min([plainly, *known], key=lambda of: sum(of.get(name) != value for name, value in knobs.items()))
    except BadInput:
        return ""
    return "".join(f" · {name} {value}" for name, value in knobs.items() if nearest.get(name) != value)


def row(run: RunInfo, page: st.Page | None) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"run-{run.id}"):
        when = datetime.fromtimestamp(run.created).strftime("%d %b %Y, %H:%M")
        if page:
            label = f"{card_of(run.model).title} on {plain(run.data)}"
            st.page_link(page, label=label, icon=":material/play_circle:", query_params={"run": run.id}, width="stretch")
        else:
            st.markdown(f"{plain(run.model)} on {plain(run.data)}", width="stretch")
        told = f"{run.state} at step {run.step:,} of {run.until:,} · seed {run.seed}{differing(run)}"
        st.caption(f"{told} · {when} · {run.bytes / 1e6:.1f} MB")
        if run.forked:
            origin(run, page)
        st.html(files(run.id), width="content")
        with st.popover("Remove"):
            going = " It is training: that ends now." if run.state in GOING else ""
            st.markdown(f"Remove this run of {when} (`{run.id}`) for ever?{going}")
            st.button("Remove it", key=f"remove-{run.id}", on_click=gone, args=(run.id,), type="primary")


def origin(run: RunInfo, page: st.Page | None) -> None:
    """Where it came from, with both on the stage."""
    assert run.forked
    parent, step = run.forked["run"], run.forked["step"]
    told = f"fork at step {step:,}" if step else "begun anew"
    if not page or not (folder.root_of() / parent / "run.json").is_file():
        st.caption(f"{told} of `{plain(parent)}`, which is not here any more")
        return
    st.page_link(
        page,
        label=f"{told}: see both",
        icon=":material/fork_right:",
        query_params={"run": run.id, "beside": f"{parent},{run.id}"},
    )


def gone(run_id: str) -> None:
    try:
        remove(run_id)
    except (BadInput, OSError) as error:
        st.session_state["not removed"] = str(error)


def scan() -> tuple[list[RunInfo], list[str]]:
    """All runs, and why some cannot be read."""
    passed: list[str] = []
    return runs(passed=passed.append), passed


def listing() -> None:
    found, passed = first.pop() if first else scan()
    if busy and not any(run.state in GOING for run in found):
        st.rerun()  # nothing trains any more: no more looking again
    if problem := st.session_state.pop("not removed", ""):
        st.warning(plain(problem))
    if not found:
        st.info("No runs yet: open a model's page and press Train, or run `genviz train vae --data moons`.")
    pages = model_pages()
    for each in found[:SHOWN]:
        row(each, pages.get(each.model))
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN} older ones: `genviz runs` lists them all.")
    for why in passed:
        st.caption(f"Passed over: {plain(why)}")


st.html('<header class="gv-head"><h1>Runs</h1><p>Everything trained on this machine, the newest first.</p></header>')
first = [scan()]  # shown at once; each look again scans anew
busy = any(run.state in GOING for run in first[0][0])
st.fragment(listing, run_every=REFRESH if busy else None)()
