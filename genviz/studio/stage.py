"""The one canvas component, mounted: every moving or still picture of the app goes through here."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.components.v2 import component

if TYPE_CHECKING:  # layers know torch, and the stage is on screen before torch is imported
    from genviz.layers import Scene

_component = component("genviz.stage", js="stage.js", html="<div></div>")


def stage(
    source: str,
    *,
    key: str,
    panes: list[str] | None = None,
    transport: bool = False,
    height: int = 340,
    label: str = "",
    loop: bool = False,
    figures: Mapping[str, Mapping[str, str]] | None = None,
    view: dict[str, Any] | None = None,
    beside: Sequence[str] = (),
    looked: Callable[[dict[str, Any]], None] | None = None,
    moved: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Show panes of a source: a timeline, `run:<id>` or `pretrained:<name>`, a film, `film:<timeline>/<panel>`, a chain that
    the browser walks, `walk:<timeline>/<program>`, a race of samplers, `race:<timeline>`, or recalls that are painted,
    `damage:<timeline>`; `looked` is told the viewer's state after she changed it.

    `beside` are all the runs on the stage in their order, if there are several; which of them is the source she may change.
    All mounts of one source on a page share playhead, cursor and selection. `transport` adds the controls of time;
    `figures` are metrics told as numbers, each with its `label` and `how` it is computed. `moved` is called with the knobs that
    she set by handles in a picture.
    """
    data = {
        "source": source,
        "panes": panes,
        "transport": transport,
        "height": height,
        "label": label,
        "loop": loop,
        "figures": dict(figures or {}),
        "view": view or {},
        "beside": list(beside),
    }

    def changed() -> None:
        if looked and (state := st.session_state[key].get("view")):
            looked(dict(state))

    result = _component(key=key, data=data, on_view_change=changed, on_set_change=lambda: None)
    if moved and (knobs := getattr(result, "set", None)):
        moved(knobs)


_packed: dict[str, tuple[str, str]] = {}  # key -> version, packed scene: the same for everybody


def still(scene: Callable[[], "Scene"], *, key: str, version: str, height: int = 300) -> None:
    """Show one scene that does not move, sent with the page; made anew only when its `version` is another."""
    if _packed.get(key, ("", ""))[0] != version:
        from genviz.stage.pack import pack_scene

        _packed[key] = version, base64.b64encode(pack_scene(scene())).decode()
    blob = _packed[key][1]
    data = {"source": f"still:{key}", "scene": blob, "panes": None, "transport": False, "height": height, "view": {}}
    _component(key=key, data=data, on_view_change=lambda: None, on_set_change=lambda: None)
