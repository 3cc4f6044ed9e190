"""Real digits: scikit-learn's 8×8 set, read from its own installation, and 10,000 MNIST images shipped with genviz."""

import importlib.util
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data.base import Data
from genviz.model import Spec

MNIST = Path(__file__).with_name("mnist.npz")  # made by scripts/build_mnist.py
DIGITS = tuple("0123456789")


def split(x: Float[Tensor, "n d"], y: Int[Tensor, " n"], train: int, side: int) -> Data:
    spec = Spec((side, side), "unit", 10)
    return Data("", x[:train], x[train:], spec, y[:train], y[train:], classes=DIGITS)


def digits(train: Annotated[int, (1, 1796)] = 1400) -> Data:
    """The file behind `sklearn.datasets.load_digits`, without the seconds it takes to import sklearn."""
    found = importlib.util.find_spec("sklearn")
    assert found and found.submodule_search_locations, "scikit-learn is a dependency of genviz"
    table = np.loadtxt(Path(found.submodule_search_locations[0], "datasets/data/digits.csv.gz"), delimiter=",")
    table = torch.from_numpy(table[np.random.RandomState(0).permutation(len(table))])
    return split(table[:, :-1].float() / 16, table[:, -1].long(), train, 8)


def mnist(side: Literal[28, 14] = 28) -> Data:
    with np.load(MNIST, allow_pickle=False) as file:
        x, y = torch.from_numpy(file["x"]).float() / 255, torch.from_numpy(file["y"]).long()
    if side == 14:
        x = torch.nn.functional.avg_pool2d(x, 2)
    return split(x.flatten(1), y, 8000, side)
