"""The runs of this machine: open one, or remove it."""

from datetime import datetime

import streamlit as st

from genviz.catalog import CARDS
from genviz.errors import BadInput
from genviz.service import RunInfo, remove, runs
from genviz.studio.link import plain
from genviz.studio.shell import page_files

SHOWN = 30


def row(run: RunInfo) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"run-{run.id}"):
        when = datetime.fromtimestamp(run.created).strftime("%d %b %Y, %H:%M")
        if run.model in page_files():
            label = f"{CARDS[run.model].title} on {plain(run.data)}"
            st.page_link(page_files()[run.model], label=label, query_params={"run": run.id}, width="stretch")
        else:
            st.markdown(f"{plain(run.model)} on {plain(run.data)}", width="stretch")
        st.caption(f"{run.state} at step {run.step:,} of {run.until:,} · seed {run.seed} · {when} · {run.bytes / 1e6:.1f} MB")
        with st.popover("Remove"):
            st.markdown(f"Remove `{run.id}` for ever?")
            st.button("Remove it", key=f"remove-{run.id}", on_click=gone, args=(run.id,), type="primary")


def gone(run_id: str) -> None:
    try:
        remove(run_id)
    except (BadInput, OSError) as error:
        st.toast(plain(error))


st.html('<header class="gv-head"><h1>Runs</h1><p>Everything trained on this machine, the newest first.</p></header>')
found = runs()
if not found:
    st.info("No runs yet: open a model's page and press Train, or run `genviz train vae --data moons`.")
for each in found[:SHOWN]:
    row(each)
if len(found) > SHOWN:
    st.caption(f"{len(found) - SHOWN} older ones: `genviz runs` lists them all.")
