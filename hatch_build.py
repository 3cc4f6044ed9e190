"""Build hook: the wheel carries the checkout's top-level folders in genviz/site; an editable install needs no copies."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Site(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            site = ("app.py", "pages", "pretrained", ".streamlit/config.toml")
            build_data["force_include"].update({name: f"genviz/site/{name}" for name in site})
            build_data["force_include"]["pyproject.toml"] = "genviz/pyproject.toml"  # the components-v2 manifest
