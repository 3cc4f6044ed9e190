"""Before anything imports genviz: shapes are checked, one thread, and the user's folder is a fresh one."""

import os
import shutil
import tempfile

import pytest
from jaxtyping import install_import_hook

os.environ["GENVIZ_HOME"] = tempfile.mkdtemp(prefix="genviz-test-")
install_import_hook("genviz", "typecheck.check")

from genviz.service.build import PINNED  # noqa: E402 (the hook above must see it imported)

os.environ.update(PINNED)  # as commands and workers do: torch reads it once, and the first test that pins it decides for all

import torch  # noqa: E402 (reads the environment once)

torch.set_num_threads(1)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["GENVIZ_HOME"], ignore_errors=True)
