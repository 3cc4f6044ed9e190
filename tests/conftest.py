"""Before anything imports genviz: shapes are checked, one thread, and the user's folder is a fresh one."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from jaxtyping import install_import_hook

os.environ["GENVIZ_HOME"] = tempfile.mkdtemp(prefix="genviz-test-")
install_import_hook("genviz", "typecheck.check")

import torch  # noqa: E402

torch.set_num_threads(1)


BEFORE = dict(os.environ)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Commands pin the environment of their process, which is the tests' here: it is put back before the next one."""
    yield
    os.environ.clear()
    os.environ.update(BEFORE)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["GENVIZ_HOME"], ignore_errors=True)
