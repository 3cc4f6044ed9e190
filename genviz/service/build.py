"""From the wish in a run folder to a model and its data, and the environment in which bits repeat."""

import os
from collections.abc import Mapping
from typing import Any

from genviz.cards import MOST_STEPS
from genviz.errors import BadInput
from genviz.service.folder import RunFolder

PINNED = {  # what makes the same step give the same bits on another day: measured, none of it slows a step
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MKL_CBWR": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
}


def environment() -> dict[str, str]:
    """What a replay must share with its record to be equal bit for bit."""
    import torch

    import genviz

    own = {
        "genviz": genviz.__version__,
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
    }
    return own | {name: os.environ.get(name, "") for name in PINNED}


def differences(then: dict[str, str]) -> str:
    """What of the environment is no longer as it was, in words."""
    now = environment()
    changed = [f"{name} was {then[name]}, is {now.get(name, '')}" for name in then if then[name] != now.get(name, "")]
    return "; ".join(changed) or "the environment is the same, so the code or the data changed"


def wish(
    model: str, knobs: Mapping[str, Any], data: str, seed: int, until: int, title: str = "", parent: str = ""
) -> dict[str, Any]:
    """What a run is asked to be, complete, checked and canonical; a `BadInput` says what cannot be.

    `parent` is the run that it begins anew with other knobs: a fork at step 0.
    """
    from genviz.data import dataset
    from genviz.model import find
    from genviz.run import trainable

    made, rows = find(model), dataset(data)
    trainable(made, rows)
    for name, number, low, high in (("seed", seed, 0, 2**31 - 1), ("steps", until, 1, MOST_STEPS)):
        if type(number) is not int or not low <= number <= high:
            raise BadInput(f"{name} = {number}: give a whole number from {low} to {high:,}")
    spec = {"shape": rows.spec.shape, "support": rows.spec.support, "classes": rows.spec.classes}
    asked = {"model": made.slug, "knobs": made.validate(knobs, rows.spec).model_dump(), "data": rows.name, "spec": spec}
    came = {"forked": {"run": parent, "step": 0}} if parent else {}
    return {**asked, "seed": seed, "until": until, "title": title, "note": rows.note, **came}


def build(folder: RunFolder) -> tuple[Any, Any, dict[str, Any]]:
    """Model, data and the completed card of a folder; a `BadInput` says what is in the way."""
    from genviz.data import dataset
    from genviz.model import find as model_called

    card = folder.card
    try:
        data = dataset(card["data"])
        kind = model_called(card["model"])
        model = kind(data.spec, card["seed"], **dict(kind.validate(card["knobs"], data.spec)))
    except BadInput as error:
        raise BadInput(f"{folder.path}: {error}") from None
    if card.get("sha256", data.sha256) != data.sha256:
        raise BadInput(
            f"{folder.path} was trained on other rows than {data.name} has now: put the old data back or start a new run"
        )
    if not {"sha256", "environment"} <= card.keys():
        card |= {"sha256": data.sha256, "environment": environment()}
        folder.rewrite(card)
    return model, data, card
