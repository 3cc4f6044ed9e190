"""Data: every set is exactly what it says, every truth agrees with itself, every bad file is refused by name and place."""

import gzip
import hashlib
import io
import math
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from genviz.data import Density, Finite, Ising, Mixture, dataset, describe, kind, names
from genviz.data.images import MNIST
from genviz.model import BadInput
from genviz.rng import Rng

PLANES = [name for name in names() if isinstance(d := dataset(name).density, Density) and dataset(name).spec.shape == (2,)]


def mixture(name: str) -> Mixture:
    density = dataset(name).density
    assert isinstance(density, Mixture)
    return density


# ---------------------------------------------------------------- laws of every set


@pytest.mark.parametrize("name", names())
def test_every_set(name: str) -> None:
    data, again = dataset(name), dataset(name)
    assert data.name == name and data.sha256 == again.sha256
    assert kind(name) == data.spec.kind and describe(name).endswith((".", "?"))
    for x, y in ((data.x, data.y), (data.test_x, data.test_y)):
        assert x.dtype == torch.float32 and x.ndim == 2 and x.shape[1] == data.spec.dim
        data.spec.check(x)
        assert (y is None) == (data.spec.classes == 0)
        if y is not None:
            assert y.dtype == torch.int64 and y.shape == x.shape[:1]
            assert y.min() >= 0 and y.max() < data.spec.classes == len(data.classes)
    if data.spec.support == "binary":
        assert ((data.x == 0) | (data.x == 1)).all()
    few = dataset(f"{name}:rows=3")
    assert few.name == f"{name}:rows=3" and torch.equal(few.x, data.x[:3]) and torch.equal(few.test_x, data.test_x)
    assert few.y is None or data.y is None or torch.equal(few.y, data.y[:3])


def test_names_are_canonical() -> None:
    data = dataset("8gaussians:weights=ramp,s=0.10", seed=3, n=4000)
    assert data.name == "8gaussians:s=0.1,seed=3,weights=ramp"
    assert dataset(data.name).sha256 == data.sha256 != dataset("8gaussians").sha256
    drawing = dataset("drawn", points=np.array([[0, 1], [2.5, -1]]), n=10)
    assert drawing.name == "drawn:n=10,points=0 1;2.5 -1" and dataset(drawing.name).sha256 == drawing.sha256


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("8gausians", "8gaussians"),
        ("mnost:side=14", "mnist"),
        ("8gaussians:t=1", "'t'.*there are.*weights"),
        ("8gaussians:s=wide", "s = 'wide': give a number from 0.001 to 10"),
        ("8gaussians:s=nan", "s = 'nan'"),
        ("8gaussians:weights=odd", "equal or ramp"),
        ("moons:n=2.5", "whole number from 1"),
        ("moons:rows=0", "rows = '0'"),
        ("moons:=3", "no parameter ''"),
        ("moons:s", "write name=value"),
        ("mnist:side=20", "28 or 14"),
        ("bars-and-stripes:side=5", "3 or 4"),
        ("digits:train=1797", "from 1 to 1,796"),
        ("drawn:points=1 2 3", "no drawing"),
        ("drawn:points=", "no drawing"),
        ("nowhere/points.csv", "no file or folder"),
        ("points.csv", "no file or folder"),
    ],
)
def test_bad_names(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        dataset(name)


def test_importing_is_light() -> None:
    code = (
        "import sys, genviz.data as d; d.dataset('digits'); sys.exit(not {'sklearn', 'pandas', 'PIL'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0


# ---------------------------------------------------------------- the truth behind points


@pytest.mark.parametrize("name", PLANES)
def test_density(name: str) -> None:
    data = dataset(name, n=5000)
    density = data.density
    assert isinstance(density, Density)
    low, high = data.x.min(0).values - 1.5, data.x.max(0).values + 1.5
    step = 0.8 * float(density.std.min()) if isinstance(density, Mixture) else 0.012  # enough for a Gaussian, to 1e-9
    axes = [torch.arange(float(a), float(b), step, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    log_p = density.log_prob(torch.cartesian_prod(*axes))
    p = log_p.exp() * step**2
    assert p.sum() == pytest.approx(1, abs=0.01)
    own = density.log_prob(data.x)  # draws see the density's own mean log-density
    assert own.mean() == pytest.approx(float((p * log_p)[p > 0].sum()), abs=5 * float(own.std()) / math.sqrt(len(own)) + 0.01)
    x = data.test_x[:200].double().requires_grad_()
    if name != "checkerboard":
        (gradient,) = torch.autograd.grad(density.log_prob(x).sum(), x)
        torch.testing.assert_close(density.score(x.detach()), gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["8gaussians:weights=ramp", "spiral", "correlated", "planted-tree"])
def test_mixture_in_noise(name: str) -> None:
    clean, (scale, sigma) = mixture(name), (0.6, 0.5)
    noisy, rng = clean.diffused(scale, sigma), Rng(0)
    x = (scale * clean.sample(100, rng) + sigma * rng.normal(100, 2)).double().requires_grad_()
    (gradient,) = torch.autograd.grad(noisy.log_prob(x).sum(), x)
    torch.testing.assert_close(noisy.score(x.detach()), gradient, rtol=1e-7, atol=1e-7)
    # Tweedie against the posterior mean by importance weights of exact draws
    source = clean.sample(50_000, rng).double()
    seen = x.detach()[:5]
    log_w = -(seen[:, None] - scale * source).square().sum(2) / (2 * sigma**2)
    posterior_mean = log_w.softmax(1) @ source
    torch.testing.assert_close(clean.denoise(seen, scale, sigma), posterior_mean, rtol=0, atol=0.05 * float(source.std()))
    assert noisy.log_prob(seen).numpy() == pytest.approx(
        (log_w.logsumexp(1) - math.log(len(source) * 2 * math.pi * sigma**2)).numpy(), abs=0.1
    )


@pytest.mark.parametrize("name", ["moons", "correlated", "8gaussians"])
def test_conditional(name: str) -> None:
    density, t = mixture(name), torch.linspace(-6, 6, 4001, dtype=torch.float64)
    given = density.conditional(1, 0, 0.4)
    assert torch.trapezoid(given.log_prob(t[:, None]).exp(), t) == pytest.approx(1, abs=1e-6)
    joint = density.log_prob(torch.stack([torch.full_like(t, 0.4), t], 1))
    margin = torch.trapezoid(joint.exp(), t).log()
    torch.testing.assert_close(given.log_prob(t[:, None]), joint - margin, rtol=1e-8, atol=1e-8)


def test_published_figures() -> None:
    bits = {"8gaussians": -1.2249, "grid25": -1.0471}  # true mean log-density, bits a dimension (mode_mixing.md §1)
    for name, truth in bits.items():
        x = dataset(name, n=40_000).x
        assert mixture(name).log_prob(x).mean() / 2 / math.log(2) == pytest.approx(truth, abs=0.01)
        assert x.std(0).mean() == pytest.approx(math.sqrt(2 + mixture(name).std[0] ** 2), rel=0.01)
    square, x = mixture("square"), torch.linspace(-2, 40, 4001, dtype=torch.float64)
    assert torch.trapezoid(square.log_prob(x[:, None]).exp(), x) == pytest.approx(1, abs=1e-6)
    fresh = Rng(0).normal(100_000).square() + 0.2 * Rng(1).normal(100_000)
    assert dataset("square", n=100_000).x.quantile(0.5) == pytest.approx(float(fresh.quantile(0.5)), abs=0.01)
    leaves = mixture("planted-tree").means.view(3, 3, 2)
    assert torch.allclose(leaves.mean(1).norm(dim=1), torch.tensor(18.0).double())
    assert torch.pdist(leaves[0]).numpy() == pytest.approx(6)
    ard = dataset("ard").x
    assert torch.linalg.svdvals(ard - ard.mean(0))[6:].max() < 0.08 * math.sqrt(150)  # six units: six directions, then noise


# ---------------------------------------------------------------- bits


FINITE = [name for name in names() if isinstance(dataset(name).density, Finite)]


@pytest.mark.parametrize("name", FINITE)
def test_finite(name: str) -> None:
    data = dataset(name)
    assert isinstance(density := data.density, Finite)
    assert density.probs.sum() == pytest.approx(1) and len(density.states.unique(dim=0)) == len(density.states)
    assert density.log_prob(density.states).numpy() == pytest.approx(density.probs.log().numpy(), abs=1e-6)
    assert density.log_prob(density.states[:1] + 0.5).item() == -math.inf
    assert -density.log_prob(data.x).mean() == pytest.approx(density.entropy(), abs=0.05)
    assert {tuple(row) for row in density.sample(100, Rng(0)).tolist()} <= {tuple(row) for row in density.states.tolist()}


def test_how_many_patterns() -> None:
    counts = {"bars-and-stripes": 14, "bars-and-stripes:side=4": 30, "bars": 30, "parity": 4, "encoder424": 4, "shifter": 768}
    for name, count in counts.items():
        assert isinstance(density := dataset(name).density, Finite) and len(density.states) == count
    assert isinstance(bars := dataset("bars").density, Finite)
    assert bars.entropy() / math.log(2) == pytest.approx(3.4765, abs=5e-5)
    assert bars.log_prob(torch.zeros(1, 16)).exp().item() == pytest.approx(0.4096)
    beat = dataset("heartbeat")
    assert beat.y is not None and torch.equal(beat.x.argmax(1), beat.y) and (beat.x.sum(1) == 4).all()
    memories = dataset("random-patterns:n=50,units=64,seed=2").x
    assert memories.shape == (50, 64) and memories.abs().eq(1).all()


def test_ising() -> None:
    ising = dataset("ising:side=4,beta=0.3").density
    assert isinstance(ising, Ising) and not isinstance(ising, Density)
    up = torch.ones(1, 16)
    assert ising.bonds(up).item() == 32 and ising.energy(up).item() == pytest.approx(-9.6)
    flipped = up.clone().index_fill(1, torch.tensor([5]), -1.0)
    assert ising.bonds(flipped).item() == 24
    with pytest.raises(BadInput, match="samplers"):
        next(dataset("ising").batches(SimpleNamespace(batch=1), Rng(0)))


# ---------------------------------------------------------------- images


def test_mnist() -> None:
    assert hashlib.sha256(MNIST.read_bytes()).hexdigest() == "e74ff1a96fa95b004d0deb1988dbe98b0ea123a9c88ced1f0286b068d2cdffbc"
    data = dataset("mnist")
    assert data.y is not None and data.test_y is not None and data.x.shape == (8000, 784) and data.test_x.shape == (2000, 784)
    assert torch.cat([data.y, data.test_y]).bincount().tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert data.x.min() == 0 and data.x.max() == 1
    small = dataset("mnist:side=14")
    assert small.spec.shape == (14, 14)
    assert small.x[7, 3 * 14 + 6] == pytest.approx(float(data.x[7].view(28, 28)[6:8, 12:14].mean()))


def test_digits_are_those_of_sklearn() -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(x))
    data = dataset("digits:train=1437")
    assert np.array_equal(torch.cat([data.x, data.test_x]).numpy(), (x[order] / 16).astype(np.float32))
    assert data.test_y is not None and np.array_equal(data.test_y.numpy(), y[order][1437:]) and len(data.test_y) == 360


# ---------------------------------------------------------------- batches


def test_batches() -> None:
    data, model = dataset("digits:rows=100"), SimpleNamespace(batch=30, binarize="none")
    stream = data.batches(model, Rng(0))
    epoch = [next(stream) for _ in range(3)]
    index = torch.cat([batch.index for batch in epoch])
    assert len(index.unique()) == 90 and all(torch.equal(batch.x, data.x[batch.index]) for batch in epoch)
    assert not torch.equal(next(stream).index, epoch[0].index)  # the ten left over are dropped; a new order
    model.batch, model.binarize = 1000, "fixed"
    x, y, index = next(stream)  # an epoch of one batch: all rows
    assert len(x) == 100 and torch.equal(x, data.binarized("fixed")[index]) and y is not None
    model.batch, model.binarize = 60, "dynamic"
    x, _, index = next(stream)
    assert ((x == 0) | (x == 1)).all() and not torch.equal(x, data.binarized("fixed")[index])
    model.binarize = "threshold"
    x, _, index = next(stream)
    assert torch.equal(x, (data.x[index] > 0.5).float())
    again = data.batches(SimpleNamespace(batch=30), Rng(0))
    assert all(torch.equal(next(again).index, batch.index) for batch in epoch)


def test_fixed_binarisation_is_the_papers() -> None:
    full, few = dataset("digits"), dataset("digits:rows=10")
    train, test = full.binarized("fixed"), full.binarized("fixed", "test")
    assert np.array_equal(train.numpy() > 0, np.random.RandomState(0).rand(1400, 64) < full.x.numpy())
    assert np.array_equal(test.numpy() > 0, np.random.RandomState(1).rand(397, 64) < full.test_x.numpy())
    assert torch.equal(few.binarized("fixed"), train[:10])
    with pytest.raises(BadInput, match="rng"):
        full.binarized("dynamic")
    with pytest.raises(BadInput, match=r"\[0, 1\]"):
        dataset("moons").binarized("fixed")


def test_what_is_seen_is_kept_once() -> None:
    data, grey = dataset("digits"), dataset("digits").x
    fixed, model = data.binarized("fixed"), SimpleNamespace(binarize="dynamic")
    for point in range(0, 1400, 7):
        assert torch.equal(data.seen_row(model, point), fixed[point : point + 1])
    for n in (0, 3, 1000, 5000):
        assert torch.equal(data.seen(model, n), fixed[:n])
        assert torch.equal(data.seen(model, n, "test"), data.binarized("fixed", "test")[:n])
        assert torch.equal(data.seen(SimpleNamespace(binarize="threshold"), n), (grey[:n] > 0.5).float())
        assert torch.equal(data.seen(SimpleNamespace(), n), grey[:n])
    kept = {t.data_ptr(): t.nbytes for value in vars(data).values() if isinstance(value, dict) for t in value.values()}
    assert 0 < sum(kept.values()) <= 2 * (data.x.nbytes + data.test_x.nbytes)
    for point in (-1, 1400):
        with pytest.raises(BadInput, match=f"no row {point}: digits has rows 0 … 1399"):
            data.seen_row(model, point)


def test_what_there_is_to_know_of_rows() -> None:
    assert {name: dataset(name).note for name in names() if dataset(name).note} == {}
    assert dataset("random-patterns:rows=1").note == ("constant: column 1, column 2, column 3, column 4, column 5 and 495 more")
    assert dataset("mnist").class_names == dataset("two-modes").class_names == ()
    assert dataset("shifter").class_names == ("left", "unshifted", "right")


# ---------------------------------------------------------------- the user's own data


def png(width: int = 8, height: int = 8, grey: int = 200) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), grey).save(file, "png")
    return file.getvalue()


def claimed(side: int) -> bytes:
    """A small file whose header speaks of side × side pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return png().replace(png()[12:33], head + struct.pack(">I", zlib.crc32(head)))


def packed(**files: bytes) -> bytes:
    """A ZIP; '__' in a name stands for '/', the ending is .png unless there is one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("DOT", ".") + ("" if "DOT" in name else ".png"), content)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def header_bomb() -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 2)})
    return packed(xDOTnpy=file.getvalue())


def noisy(n: int) -> bytes:
    return np.random.RandomState(0).bytes(n)


BAD: dict[str, tuple[str, Callable[[], bytes | str], str]] = {
    "text cell": ("a.csv", lambda: "a,b\n1,2\n3,tall\n", "a.csv, line 3, b: 'tall' is not a number"),
    "unnamed words": ("a.csv", lambda: "1,2,cat\n3,4,dog\n", "line 1, column 3: 'cat'.*call a column of labels 'label'"),
    "empty cell": ("a.csv", lambda: "a,b\n1,\n3,4\n", "line 2, b: an empty cell"),
    "nan": ("a.csv", lambda: "a,b\n1,2\nnan,4\n", "line 3, a: nan is not a finite number"),
    "huge": ("a.csv", lambda: "a,b\n1,2\n1e60,4\n", "line 3, a: inf"),
    "blank lines": ("a.csv", lambda: "a,b\n\n1,2\n\n3,tall\n", "a.csv, line 5, b"),
    "ragged": ("a.csv", lambda: "a,b\n1,2,3\n3,4\n", "line 2: 3 cells where the first line has 2"),
    "one column": ("a.csv", lambda: "a\n1\n2\n", "1 column of numbers.* at least two are needed"),
    "65 columns": ("a.csv", lambda: "\n".join([",".join(["1"] * 65)] * 3), "65 columns of numbers, give 2 to 64"),
    "a million rows": ("a.csv", lambda: "1,2\n" * 10**6, "more than 200,000 rows"),
    "empty": ("a.csv", lambda: "", "a.csv is empty"),
    "only a header": ("a.csv", lambda: "a,b\n", "0 rows"),
    "latin": ("a.csv", lambda: "größe,b\n1,2\n".encode("latin-1"), "not UTF-8"),
    "fractional label": ("a.csv", lambda: "a,b,label\n1,2,0\n3,4,0.5\n", "line 3: the label 0.5"),
    "empty label": ("a.csv", lambda: "a,b,label\n1,2,u\n3,4,\n", "line 3: the label is empty"),
    "11 MB": ("a.csv", lambda: "1,2\n" * (11 * 2**18), "11.0 MB, the limit is 10 MB"),
    "unknown kind": ("a.txt", lambda: "1,2", "a.txt: give a CSV, NPZ or ZIP"),
    "pickle": ("a.npz", lambda: npz(x=np.array([[{}, []]], dtype=object)), "a.npz, x: holds pickled Python objects"),
    "bomb": ("a.npz", lambda: npz(x=np.zeros((70 * 2**17, 1))), "unpacks to 70 MB, the limit is 64 MB"),
    "header bomb": ("a.npz", header_bomb, "declares 15,259 MB"),
    "complex": ("a.npz", lambda: npz(x=np.ones((3, 2), dtype=complex)), "complex128; give real numbers"),
    "strings": ("a.npz", lambda: npz(x=np.array([["a", "b"]])), "type <U1"),
    "no x": ("a.npz", lambda: npz(data=np.ones((3, 2))), "a.npz holds data: name the array of rows 'x'"),
    "labels missing": (
        "a.npz",
        lambda: npz(x=np.ones((3, 2)), y=[0, 1]),
        r"labels of shape \(2,\); give one to each of the 3 rows",
    ),
    "matrix of labels": ("a.npz", lambda: npz(x=np.ones((3, 2)), y=np.eye(3)), r"labels of shape \(3, 3\)"),
    "flat images": ("a.npz", lambda: npz(x=np.ones((3, 784))), r"784 columns.*\(n, height, width\)"),
    "four axes": ("a.npz", lambda: npz(x=np.ones((3, 8, 8, 3))), r"shape \(3, 8, 8, 3\)"),
    "pixel": ("a.npz", lambda: npz(x=np.full((3, 8, 8), 7.5)), "pixel 7.5 in image 1"),
    "no zip": ("a.npz", lambda: b"PK nonsense", "a.npz is no NPZ file"),
    "cut zip": ("a.zip", lambda: packed(a=png(), b=png())[:-30], "a.zip is no readable ZIP"),
    "mixed sizes": ("a.zip", lambda: packed(a=png(8, 8), b=png(9, 8)), "a.png has 8×8 pixels, b.png has 9×8.*side=28"),
    "large": ("a.zip", lambda: packed(a=png(65, 8), b=png(65, 8)), "a.png has 65×8.*side=28"),
    "claims to be vast": ("a.zip:side=28", lambda: packed(a=claimed(30_000)), "a.png has far more than 4096×4096"),
    "vast": ("a.zip:side=28", lambda: packed(a=png(4097, 8)), "4096×4096"),
    "no image": ("a.zip", lambda: packed(a=png(), notesDOTtxt=b"hello"), "notes.txt is no image"),
    "no images": ("a.zip", lambda: packed(), "no images"),
    "label and none": ("a.zip", lambda: packed(cat__a=png(), b=png()), "b.png lies outside the subfolders"),
    "zip bomb": ("a.zip", lambda: packed(a=bytes(65 * 2**20)), "unpacks to 65 MB"),
    "11 MB zip": ("a.zip", lambda: noisy(11 * 2**20), "the limit is 10 MB"),
    "side of a table": ("a.csv:side=8", lambda: "1,2\n3,4", "no parameter 'side'"),
    "side": ("a.zip:side=65", lambda: packed(a=png()), "side = '65': give a whole number from 2 to 64"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(case: str, tmp_path: Path) -> None:
    name, make, says = BAD[case]
    content = make()
    path = tmp_path / name.partition(":")[0]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=says):
        dataset(str(tmp_path / name))


def test_own_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("width; kind ;height;Label\n" + "\n".join(f"{i};3;{i / 2};{'dog' if i % 2 else 'cat'}" for i in range(10)))
    data = dataset(path)
    assert data.columns == ("width", "kind", "height") and data.classes == data.class_names == ("cat", "dog")
    assert data.note == "constant: kind" and dataset(f"{path}:rows=1").note == "constant: width, kind, height"
    assert data.x.shape == (8, 3) and data.test_x.shape == (2, 3) and data.spec.support == "real" and data.y is not None
    assert torch.equal(data.x[:, 0].long(), torch.from_numpy(np.random.RandomState(0).permutation(10)[:8]))
    assert torch.equal(data.y, data.x[:, 0].long() % 2)
    assert dataset(f"{path}:rows=3").name == f"{path}:rows=3" and len(dataset(str(path), rows=3).x) == 3
    path.write_text("x,y\n" + "0,1\n1,1\n" * 5)  # y beside x is a coordinate
    assert (bits := dataset(path)).columns == ("x", "y") and bits.spec.support == "binary" and bits.y is None
    path.write_text("1,2\n" * 20)
    assert len(dataset(path).x) == 16
    monkeypatch.chdir(tmp_path)
    assert dataset("a.csv").name == dataset("./a.csv").name == str(path) and dataset("a.csv:rows=2").name == f"{path}:rows=2"


def test_own_arrays(tmp_path: Path) -> None:
    images = np.random.RandomState(0).randint(0, 256, (20, 6, 5)).astype(np.uint8)
    path = tmp_path / "a.npz"
    path.write_bytes(npz(x=images, y=np.repeat([7, 10], 10)))
    data = dataset(path)
    assert data.spec.shape == (6, 5) and data.spec.support == "unit" and data.class_names == ("7", "10")
    order = np.random.RandomState(0).permutation(20)
    assert np.array_equal((data.x * 255).round().numpy(), images.reshape(20, -1)[order[:16]])
    assert dataset(images, labels=torch.arange(20) % 2, rows=5).sha256 != data.sha256
    points = dataset(torch.randn(30, 2, generator=torch.Generator().manual_seed(0)), labels=["a", "b"] * 15)
    assert points.name == "array" and points.classes == ("a", "b") and len(points.test_x) == 6
    for bad in (np.ones(3), np.ones((3, 0)), np.full((3, 2), np.inf), np.ones((3, 65, 2))):
        with pytest.raises(BadInput):
            dataset(bad)
    with pytest.raises(BadInput, match="labels go with an array"):
        dataset("moons", labels=[0])


def test_own_images(tmp_path: Path) -> None:
    files = {f"set__{label}__{i}": png(8, 8, grey) for label, grey in (("cat", 51), ("dog", 255)) for i in range(5)}
    (tmp_path / "a.zip").write_bytes(packed(**files, **{"set__DOThidden": b"junk"}))
    data = dataset(tmp_path / "a.zip")
    assert data.classes == ("cat", "dog") and data.spec.shape == (8, 8) and data.y is not None
    assert torch.allclose(data.x[:, 0], torch.where(data.y == 0, 0.2, 1.0))
    for name, content in files.items():
        path = tmp_path / f"{name.replace('__', '/')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert dataset(tmp_path / "set").sha256 == data.sha256
    (tmp_path / "set/dog/wide.png").write_bytes(png(100, 50))
    with pytest.raises(BadInput, match="dog/wide.png has 100×50") as caught:
        dataset(tmp_path / "set")
    remedy = re.search("'(.*)'", str(caught.value))
    assert remedy and dataset(remedy[1]).spec.shape == (28, 28)
    ink = Image.new("RGBA", (8, 8), (0, 0, 0, 0))  # nothing drawn on transparent paper is white
    (tmp_path / "ink").mkdir()
    for i in range(2):
        ink.save(tmp_path / f"ink/{i}.png")
    assert dataset(tmp_path / "ink").x.min() == 1


def idx(values: Tensor) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.to(torch.uint8).numpy().tobytes()


def test_idx(tmp_path: Path) -> None:
    x, y = torch.arange(5 * 6).view(5, 2, 3) * 8, torch.tensor([3, 1, 3, 1, 1])
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(y))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(x[:2]))
    with pytest.raises(BadInput, match="no such file"):
        dataset(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(y[:2]))
    data = dataset(tmp_path)
    assert torch.allclose(data.x * 255, x.flatten(1).float()) and data.spec.shape == (2, 3) and data.classes == ("1", "3")
    assert data.y is not None and data.y.tolist() == [1, 0, 1, 0, 0] and data.test_x.shape == (2, 6)
    for content, says in ((idx(y)[:-1], "holds 4"), (b"PNG!" + idx(y), "no IDX file"), (idx(y[:3]), "5 train images but 3")):
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(content)
        with pytest.raises(BadInput, match=says):
            dataset(tmp_path)
    bomb = bytes([0, 0, 8, 3]) + np.array([10**6, 60, 60], ">u4").tobytes()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bomb))
    with pytest.raises(BadInput, match="limit is 200 MB"):
        dataset(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x))[:-20])
    with pytest.raises(BadInput, match="damaged|declares"):
        dataset(tmp_path)
