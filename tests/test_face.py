"""The public face that scripts and exports rely on."""

import subprocess
import sys

import pytest
import torch

import genviz
from genviz.face import preset_for
from genviz.model import Spec
from genviz.models.variational.vae import VAE


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
