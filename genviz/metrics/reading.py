"""What a reader trained on real rows takes made ones for."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data import Data
from genviz.model import BadInput

ROWS = 8000  # real rows that a reader learns from


@dataclass(frozen=True)
class Reader:
    """Logistic regression: the class of a row is the largest of x · weight + bias. `accuracy` is that on unseen rows."""

    weight: Float[Tensor, "d c"]
    bias: Float[Tensor, " c"]
    accuracy: float

    def read(self, x: Float[Tensor, "*n d"]) -> Int[Tensor, "*n"]:
        return (x @ self.weight + self.bias).argmax(-1)


@lru_cache(maxsize=4)  # a few seconds for 8,000 pictures of 28 × 28
def reader(data: Data) -> Reader:
    """A reader of these data's classes, trained by scikit-learn on the first 8,000 rows; a `BadInput` if there are none."""
    if data.y is None or data.spec.classes < 2 or len(labels := data.y[:ROWS].unique()) < 2:
        raise BadInput(f"{data.name} has no classes to tell apart: take labelled data")
    from sklearn.linear_model import LogisticRegression  # a second to import

    fitted = LogisticRegression(C=0.1, max_iter=60, tol=1e-3).fit(data.x[:ROWS].numpy(), data.y[:ROWS].numpy())
    weight, bias = (torch.from_numpy(part).float() for part in (fitted.coef_.T, fitted.intercept_))
    if len(labels) == 2:  # one column tells two apart
        weight, bias = torch.cat([-weight, weight], 1) / 2, torch.cat([-bias, bias]) / 2
    full = Reader(
        weight.new_zeros(len(weight), data.spec.classes).index_copy(1, labels, weight),
        bias.new_full((data.spec.classes,), -torch.inf).index_copy(0, labels, bias),
        0.0,
    )
    right = 0.0 if data.test_y is None else (full.read(data.test_x) == data.test_y).float().mean().item()
    return Reader(full.weight, full.bias, right)
