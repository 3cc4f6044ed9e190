"""Weights and a JSON card in one safetensors file; never pickle."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from genviz.cards import VERSION, Checkpoint, parsed
from genviz.model import BadInput, Model, Spec, find, nearest
from genviz.paths import PRETRAINED


def save(model: Model, path: str | Path, half: bool = False, **card: Any) -> None:
    """Write the model to `path`, floating-point tensors as float16 if `half`; `card` is further JSON for its card.

    Written beside and renamed: whoever reads `path` sees the old file or the new one, whole. An `OSError` leaves the old one.
    """
    tensors = {
        k: v.contiguous().half() if half and v.is_floating_point() else v.contiguous() for k, v in model.state_dict().items()
    }
    spec = {"shape": model.spec.shape, "support": model.spec.support, "classes": model.spec.classes}
    knobs = model.knobs.model_dump()
    card = {"version": VERSION, "model": model.slug, "seed": model.seed, "knobs": knobs, "spec": spec, **card}
    path, content = Path(path), to_bytes(tensors, metadata={"genviz": json.dumps(card, sort_keys=True)})
    beside = path.with_name(f"{path.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def card(path: str | Path) -> dict[str, Any]:
    """The JSON card of a genviz file, or a `BadInput` that says what the file is not."""
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get("genviz")
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path} is not a whole safetensors file ({error}): make it again or take another") from None
    if text is None:
        raise BadInput(f"{path} is a safetensors file of another program: it has no genviz card")
    return parsed(text, Checkpoint, f"the card of {path}")


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a genviz file as they lie there, or a `BadInput` that says what the file is not."""
    card(path)
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (safe_open is no mapping)


def locate(name: str | Path) -> Path:
    """The file of that pretrained name (`-` and `_` alike), or of that path."""
    wanted = str(name).replace("_", "-").lower()
    shipped = {path.stem: path for path in sorted(PRETRAINED.glob("*.safetensors"))}
    if wanted in shipped:
        return shipped[wanted]
    if not os.path.exists(name):
        raise BadInput(f"there is no file {name} and nothing pretrained of that name{nearest(Path(wanted).name, shipped)}")
    return Path(name)


def load(name: str | Path) -> Model:
    """A model from a path or a pretrained name, in float32 and ready to sample."""
    path = locate(name)
    about, tensors = card(path), read_tensors(path)
    spec = Spec(tuple(about["spec"]["shape"]), about["spec"]["support"], about["spec"]["classes"])
    kind = find(about["model"])
    knobs = dict(kind.validate(about["knobs"], spec))
    try:
        with torch.device("meta"):  # sizes alone: a card may claim any, memory is for one that fits its file
            shapes = {key: tensor.shape for key, tensor in kind(spec, about["seed"], **knobs).state_dict().items()}
    except (RuntimeError, TypeError, OverflowError):
        raise BadInput(f"{path} claims rows of shape {spec.shape}, more than there can be: take another file") from None
    long = {len(tensors[key]) for key in kind.sized if key in shapes and key in tensors and tensors[key].ndim}
    for key in shapes if len(long) == 1 else ():
        shapes[key] = torch.Size([*long, *shapes[key][1:]]) if key in kind.sized else shapes[key]
    for key, tensor in tensors.items():
        if shapes.get(key) != tensor.shape:
            raise BadInput(f"{path} does not fit a {about['model']}: tensor {key} {tuple(tensor.shape)}")
    if missing := set(shapes) - set(tensors):
        raise BadInput(f"{path} lacks the tensor {min(missing)}")
    model = kind(spec, about["seed"], **knobs)
    for key in set(kind.sized) & set(shapes):
        owner, _, name = key.rpartition(".")
        setattr(model.get_submodule(owner), name, model.get_buffer(key).new_empty(shapes[key]))
    state = model.state_dict()
    model.load_state_dict({key: tensor.to(state[key].dtype) for key, tensor in tensors.items()})
    return model.eval().requires_grad_(False)
