"""genviz: watch 29 generative models at work.

The public face is loaded on first use, so that `import genviz` costs nothing and `genviz --help` never waits for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genviz.checkpoint import load
    from genviz.data import Data, dataset
    from genviz.face import create, list_models
    from genviz.model import BadInput, Model
    from genviz.rng import Rng
    from genviz.run import Run

__version__ = "0.1.0"
__all__ = ["BadInput", "Data", "Model", "Rng", "Run", "create", "dataset", "list_models", "load"]

_ROOM = {
    "BadInput": "model", "Data": "data", "Model": "model", "Rng": "rng", "Run": "run",
    "create": "face", "dataset": "data", "list_models": "face", "load": "checkpoint",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module 'genviz' has no attribute {name!r}")
    return getattr(import_module(f"genviz.{_ROOM[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
