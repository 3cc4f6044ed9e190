"""The public face that scripts and exports rely on."""

import errno
import json
import subprocess
import sys
from pathlib import Path
from types import new_class

import pytest
import torch
from safetensors.torch import save_file

import genviz
from genviz.checkpoint import locate
from genviz.face import preset_for
from genviz.model import MODELS, BadInput, Model, Spec
from genviz.models.variational.vae import VAE
from genviz.paths import PRETRAINED

GOOD = {"version": 1, "model": "vae", "seed": 0, "knobs": {}, "spec": {"shape": [2], "support": "real", "classes": 0}}


def test_importing_genviz_costs_nothing() -> None:
    code = "import sys, genviz, genviz.claims as c; c.newest('vae'); print([m for m in ('torch', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_everything_promised_is_there() -> None:
    for name in genviz.__all__:
        assert getattr(genviz, name) is not None and name in dir(genviz)
    with pytest.raises(AttributeError, match="nonsense"):
        genviz.nonsense  # noqa: B018 # pyright: ignore[reportAttributeAccessIssue]


def test_the_preset_follows_the_data() -> None:
    def chosen(data: genviz.Data) -> str:
        return preset_for(VAE, data)[0]

    assert chosen(genviz.dataset("digits", rows=50)) == "digits"
    assert chosen(genviz.dataset("pinwheel:n=50,s=0.2")) == "pinwheel"
    assert chosen(genviz.dataset("rings:n=50")) == "moons"  # points, the first of them
    assert chosen(genviz.dataset("bars-and-stripes")) == "digits"  # small images
    x = torch.rand(20, 300)
    assert chosen(genviz.Data("own", x, x, Spec((300,), "unit"))) == "mnist"
    assert chosen(genviz.dataset("random-patterns:n=9")) == ""  # of the kind of mnist, but no bits can be made of ±1
    assert genviz.create("vae", "random-patterns:n=9").binarize == "none"
    assert preset_for(VAE, genviz.dataset("moons:n=50"), "mnist_plane")[0] == "mnist-plane"


def test_create_takes_the_preset_and_overrides_it() -> None:
    model = genviz.create("vae", "digits:rows=50", latent=3)
    assert (model.slug, model.seed) == ("vae", 0)
    assert {"latent": 3, "hidden": 128, "batch": 50, "binarize": "threshold", "lr": 1e-3}.items() <= dict(model.knobs).items()
    assert genviz.create("VAE", torch.rand(20, 2).numpy(), 7).seed == 7


def test_the_models_are_listed_with_what_they_can_do() -> None:
    vae = next(model for model in genviz.list_models() if model.name == "vae")
    assert (vae.family, vae.year) == ("variational", 2014) or vae.year == 2013
    assert {"sample", "encode", "decode", "bound", "client"} <= set(vae.capabilities)
    assert "chain" not in vae.capabilities


def test_a_model_of_ones_own_is_listed() -> None:
    type("Outsider", (Model,), {"__module__": "genviz.models.chains.outsider"})
    try:
        (own,) = (each for each in genviz.list_models() if each.name == "outsider")
    finally:
        del MODELS["outsider"]
    assert (own.family, own.year, own.paper, own.capabilities) == ("chains", 0, "", ())


def test_pretrained_names_come_first_and_are_forgiving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vae-moons").mkdir()
    for name, stem in (("vae-moons", "vae-moons"), ("vae_mnist_plane", "vae-mnist-plane"), ("VAE-beta-0.25", "vae-beta-0.25")):
        assert locate(name).stem == stem and locate(name).parent == PRETRAINED
    (tmp_path / "own.safetensors").write_bytes(b"")
    assert locate("own.safetensors") == Path("own.safetensors")
    for name in ("vae-beta-0.3", "vae-moon", "x" * 300, "vae-moons.safetensors"):
        with pytest.raises(BadInput, match="there is no file .* nothing pretrained of that name: "):
            locate(name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "version: Field required"),
        ("nonsense", "no readable JSON"),
        ("[]", "all of it"),
        ('{"version": 2}', "newer genviz"),
        ('{"version": 1, "model": 3}', "model: Input should be a valid string"),
        ('{"version": 1, "model": "vae", "seed": 0, "knobs": {}}', "spec: Field required"),
        (json.dumps({**GOOD, "spec": {"shape": [], "support": "real", "classes": 0}}), "spec.shape"),
        (json.dumps({**GOOD, "knobs": {"spec": 1}}), "no knob 'spec'"),
    ],
)
def test_a_card_that_is_none_is_refused_in_words(tmp_path: Path, text: str, says: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"genviz": text})
    with pytest.raises(BadInput, match=says):
        genviz.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ([3], "does not fit a vae: tensor"),
        ([10**9], "does not fit a vae: tensor"),
        ([10**18], "more than"),
        ([10**30], "more than"),
    ],
)
def test_a_card_that_claims_more_than_its_file_holds_costs_no_memory(tmp_path: Path, shape: list[int], says: str) -> None:
    model = genviz.create("vae", "moons:n=50")
    card = {**GOOD, "knobs": model.knobs.model_dump(), "spec": {**GOOD["spec"], "shape": shape}}
    save_file(model.state_dict(), tmp_path / "a.safetensors", {"genviz": json.dumps(card)})
    with pytest.raises(BadInput, match=says):
        genviz.load(tmp_path / "a.safetensors")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "a.safetensors", Path.write_bytes
    genviz.create("vae", "moons:n=50", 1).save(str(path))
    before = path.read_bytes()

    def half(path: Path, data: bytes) -> None:
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(Path, "write_bytes", half)
        genviz.create("vae", "moons:n=50", 2).save(str(path))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    genviz.create("vae", "moons:n=50", 2).save(str(path))
    assert genviz.load(path).seed == 2


def test_numbers_that_are_no_whole_ones_are_told_so() -> None:
    for wrong in (2.5, "two", float("nan"), [2]):
        with pytest.raises(BadInput, match=r"latent = .* is no whole number from 1 … 64 \(dimension"):
            genviz.create("vae", "moons:n=50", latent=wrong)


def test_two_models_of_one_name_are_refused() -> None:
    before = MODELS["vae"]
    with pytest.raises(BadInput, match="genviz.models.other.vae.Other .* vae, as genviz.models.variational.vae.VAE"):
        new_class("Other", (Model,), exec_body=lambda space: space.update(__module__="genviz.models.other.vae"))
    assert MODELS["vae"] is before
    new_class("Again", (Model,), exec_body=lambda space: space.update(__module__=before.__module__))
    MODELS["vae"] = before
