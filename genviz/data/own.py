"""The user's own data: CSV, NPZ, a ZIP or a folder of images, a folder of IDX files, an array.

Files are never trusted: sizes are checked as declared, before anything is unpacked, and nothing is ever unpickled. Each refusal
names the file, the place and the remedy; nothing is dropped in silence.
"""

import csv
import gzip
import io
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from genviz.data.base import Data
from genviz.model import BadInput, Spec

MB = 2**20
FILE, UNPACKED, IDX = 10 * MB, 64 * MB, 200 * MB  # bytes: a file as it lies there, what a ZIP holds, pixels of an IDX file
ROWS, COLUMNS, SIDE, CLASSES = 200_000, 64, 64, 1000
LARGEST = 4096  # pixels a side of a picture that is scaled
LABELS = ("label", "class", "target", "y")
BROKEN = (OSError, EOFError, ValueError, SyntaxError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)

Side = Annotated[int, (2, SIDE)]


@contextmanager
def refused(message: str) -> Iterator[None]:
    """Whatever a damaged file makes a reader raise, as one `BadInput`."""
    try:
        yield
    except BadInput:
        raise
    except BROKEN:
        raise BadInput(message) from None


# ---------------------------------------------------------------- from numbers and labels to Data

Place = Callable[[int], str]  # row 0, 1, … in words


def nth_row(i: int) -> str:
    return f"row {i + 1}"


def assemble(
    x: np.ndarray,
    labels: Any,
    name: str,
    columns: tuple[str, ...] = (),
    shape: tuple[int, ...] | None = None,
    place: Place = nth_row,
) -> Data:
    """Numbers (n, d) and labels of any kind (n,), split 80/20 after a RandomState(0) permutation.

    Images have a `shape` and lie in [0, 1]. Points are real, or binary if every value is 0 or 1. `place` tells a person where
    row i came from.
    """
    n = len(x)
    if not 2 <= n <= ROWS:
        raise BadInput(
            f"{name} holds {n:,} row{'s' * (n != 1)}: give 2 to {ROWS:,}" + (", a random part of them" if n > ROWS else "")
        )
    with np.errstate(over="ignore"):
        x = x.astype(np.float32)
    columns = columns or tuple(f"column {i + 1}" for i in range(x.shape[1]))
    if len(bad := np.argwhere(~np.isfinite(x))):
        row, column = bad[0].tolist()
        raise BadInput(
            f"{name}, {place(row)}, {columns[column]}: {x[row, column]} is not a finite number; fill it, or remove the row"
        )
    y, classes = encode(labels, n, name, place)
    order = np.random.RandomState(0).permutation(n)
    train, test = np.split(order, [n - max(1, n // 5)])
    bits = bool(((x == 0) | (x == 1)).all())
    spec = Spec(shape or (x.shape[1],), "binary" if bits and not shape else "unit" if shape else "real", len(classes))
    return Data(
        name=name,
        x=torch.from_numpy(x[train]),
        test_x=torch.from_numpy(x[test]),
        spec=spec,
        y=None if y is None else y[train],
        test_y=None if y is None else y[test],
        columns=() if shape else columns,
        classes=classes,
    )


def encode(labels: Any, n: int, name: str, place: Place) -> tuple[Tensor | None, tuple[str, ...]]:
    """Integers or words -> ids 0, 1, … in sorted order, and what each id is called."""
    if labels is None:
        return None, ()
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise BadInput(f"{name}: labels of shape {labels.shape}; give one to each of the {n:,} rows")
    words = [str(label).strip() for label in labels.tolist()]
    if "" in words:
        raise BadInput(f"{name}, {place(words.index(''))}: the label is empty; fill it, or remove the row")
    if all(map(is_number, words)):
        numbers = np.array(words, dtype=float)
        if len(bad := np.flatnonzero(~np.isfinite(numbers) | (numbers != np.floor(numbers)))):
            raise BadInput(
                f"{name}, {place(int(bad[0]))}: the label {words[bad[0]]} is no integer; rename a column of measurements"
            )
        words = [str(int(number)) for number in numbers]
        classes = sorted(set(words), key=int)
    else:
        classes = sorted(set(words))
    if len(classes) > CLASSES:
        raise BadInput(f"{name}: {len(classes):,} different labels, more than {CLASSES:,}; is that column an identifier?")
    ids = {word: i for i, word in enumerate(classes)}
    return torch.tensor([ids[word] for word in words]), tuple(classes)


def array(x: Any, labels: Any = None, name: str = "array") -> Data:
    """Points (n, d ≤ 64) or grey images (n, height, width), uint8 or in [0, 1]; optional labels (n,)."""
    x = np.asarray(x.detach().cpu() if isinstance(x, Tensor) else x)
    if x.dtype.kind not in "fiub":
        raise BadInput(f"{name}: x is of type {x.dtype}; give real numbers")
    if x.ndim == 2:
        if not 1 <= x.shape[1] <= COLUMNS:
            raise BadInput(f"{name}: x has {x.shape[1]} columns; give 1 to {COLUMNS}, or images as (n, height, width)")
        return assemble(x, labels, name)
    if x.ndim != 3:
        raise BadInput(f"{name}: x has shape {x.shape}; give points (n, columns) or images (n, height, width)")
    height, width = x.shape[1:]
    if not (1 <= height <= SIDE and 1 <= width <= SIDE):
        raise BadInput(f"{name}: images of {width}×{height} pixels; scale them to at most {SIDE}×{SIDE}")
    pixels = x / np.float32(255) if x.dtype == np.uint8 and x.size and x.max() > 1 else x
    outside = np.argwhere((pixels < 0) | (pixels > 1))
    if len(outside):
        raise BadInput(
            f"{name}: pixel {pixels[tuple(outside[0])]} in image {outside[0][0] + 1}; give uint8, or grey values in [0, 1]"
        )
    return assemble(pixels.reshape(len(x), -1), labels, name, shape=(height, width))


# ---------------------------------------------------------------- files


def size_checked(path: Path) -> Path:
    if path.stat().st_size > FILE:
        raise BadInput(f"{path.name} has {path.stat().st_size / MB:.1f} MB, the limit is {FILE // MB} MB: give a part of it")
    return path


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_csv(path: Path) -> Data:
    """2 to 64 numeric columns, with or without a line of names; one may be called label, class, target or y and hold labels.

    A column y is a coordinate, not a label, if there is a column x. Errors count lines as editors and spreadsheets do, the
    line of names and empty ones included.
    """
    name = size_checked(path).name
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}, byte {error.start}: not UTF-8 text; save it as CSV in UTF-8") from None
    start = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=start.count))
    try:
        found = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells)
        numbered = list(islice(found, ROWS + 2))
    except csv.Error as error:
        raise BadInput(f"{name}, line {reader.line_num}: {error}; save it as plain CSV") from None
    if not numbered:
        raise BadInput(f"{name} is empty: give a table of numbers, a row a line")
    numbers, lines = zip(*numbered, strict=True)
    named = not any(map(is_number, lines[0])) or any(cell.lower() in LABELS for cell in lines[0])
    width, rows = len(lines[0]), lines[1:] if named else lines
    columns = (
        [cell or f"column {i + 1}" for i, cell in enumerate(lines[0])] if named else [f"column {i + 1}" for i in range(width)]
    )
    if len(rows) > ROWS:
        raise BadInput(f"{name} holds more than {ROWS:,} rows, the limit: give a random part of them")

    def place(i: int) -> str:
        return f"line {numbers[i + named]}"

    if (ragged := next((i for i, row in enumerate(rows) if len(row) != width), None)) is not None:
        raise BadInput(f"{name}, {place(ragged)}: {len(rows[ragged])} cells where the first line has {width}")
    lower = [column.lower() for column in columns] if named else []
    label = next((lower.index(word) for word in LABELS if word in lower and not (word == "y" and "x" in lower)), None)
    numeric = [i for i in range(width) if i != label]
    if not 2 <= len(numeric) <= COLUMNS:
        few = "at least two are needed, with commas, semicolons or tabs between them"
        hint = few if len(numeric) < 2 else "choose some of them"
        raise BadInput(f"{name} has {len(numeric)} column{'s' * (len(numeric) != 1)} of numbers, give 2 to {COLUMNS}: {hint}")
    try:
        x = np.array([[row[i] for i in numeric] for row in rows], dtype=np.float64).reshape(len(rows), len(numeric))
    except ValueError:
        row, i = next((r, i) for r, cells in enumerate(rows) for i in numeric if not is_number(cells[i]))
        cell = repr(rows[row][i][:40]) if rows[row][i] else "an empty cell"
        raise BadInput(
            f"{name}, {place(row)}, {columns[i]}: {cell} is not a number; fill it, or call a column of labels 'label'"
        ) from None
    labels = None if label is None else [row[label] for row in rows]
    return assemble(x, labels, name, tuple(columns[i] for i in numeric), place=place)


def members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The files of a ZIP but the hidden ones, none read yet; Python never unpacks more than the sizes declared here."""
    found = archive.infolist()
    if (total := sum(member.file_size for member in found)) > UNPACKED:
        raise BadInput(f"{name} unpacks to {total / MB:,.0f} MB, the limit is {UNPACKED // MB} MB: give a part of it")
    if locked := next((member.filename for member in found if member.flag_bits & 1), None):
        raise BadInput(f"{name}: {locked} is encrypted; pack it without a password")
    return {member.filename: member for member in found if not member.is_dir() and not hidden(member.filename)}


def hidden(filename: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in re.split(r"[/\\]", filename))


def read_npz(path: Path) -> Data:
    """Arrays `x` (see `array`) and, optionally, labels `y`."""
    name = size_checked(path).name
    with refused(f"{name} is no NPZ file: write it with numpy.savez(file, x=…, y=…)"), zipfile.ZipFile(path) as archive:
        files = {file.removesuffix(".npy"): member for file, member in members(archive, name).items()}
        if "x" not in files:
            raise BadInput(f"{name} holds {', '.join(files) or 'nothing'}: name the array of rows 'x', its labels 'y'")
        parts = {key: npy(archive.read(files[key]), f"{name}, {key}") for key in ("x", "y") if key in files}
    y = parts.get("y")
    if y is not None and y.dtype.kind not in "iubfU":
        raise BadInput(f"{name}: y is of type {y.dtype}; give integers or words")
    return array(parts["x"], y, name)


def npy(content: bytes, what: str) -> np.ndarray:
    """One array, its header judged before its numbers are read; an array of objects would be a pickle, and is refused."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if dtype.hasobject:
        raise BadInput(f"{what}: holds pickled Python objects, which can run code and are never read; save plain numbers")
    if math.prod(shape) * dtype.itemsize > UNPACKED:
        raise BadInput(f"{what}: declares {math.prod(shape) * dtype.itemsize / MB:,.0f} MB, the limit is {UNPACKED // MB} MB")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def read_zip(path: Path, side: Side | None = None) -> Data:
    """Images in a ZIP, see `images`."""
    name = size_checked(path).name
    with refused(f"{name} is no readable ZIP file: pack it again"), zipfile.ZipFile(path) as archive:
        return images(((file, archive.read(member)) for file, member in sorted(members(archive, name).items())), path, side)


def read_folder(path: Path, side: Side | None = None) -> Data:
    """Images in a folder and its subfolders, see `images`."""
    files = sorted(f for f in path.rglob("*") if f.is_file() and not hidden(f.relative_to(path).as_posix()))
    if (total := sum(f.stat().st_size for f in files)) > UNPACKED:
        raise BadInput(f"{path.name} holds {total / MB:,.0f} MB, the limit is {UNPACKED // MB} MB: give a part of it")
    return images(((f.relative_to(path).as_posix(), f.read_bytes()) for f in files), path, side)


def images(files: Iterable[tuple[str, bytes]], path: Path, side: int | None) -> Data:
    """Pictures of one size, at most 64×64, or scaled to side × side; grey in [0, 1]; the subfolder is the label."""
    name, scaled = path.name, f"give '{path}:side=28' to scale all to one size"
    pictures: list[np.ndarray] = []
    places: list[str] = []
    for file, content in files:
        picture = grey(content, f"{name}: {file}", side, scaled)
        if pictures and picture.shape != pictures[0].shape:
            (h, w), (height, width) = pictures[0].shape, picture.shape
            raise BadInput(f"{name}: {places[0]} has {w}×{h} pixels, {file} has {width}×{height}; {scaled}")
        if (len(pictures) + 1) * picture.size > UNPACKED:
            raise BadInput(f"{name} holds more than {UNPACKED // MB} MB of pixels: give fewer images, or smaller ones")
        pictures.append(picture)
        places.append(file)
    if not pictures:
        raise BadInput(f"{name} holds no images: put PNG or JPEG files into it, a subfolder for each label if there are labels")
    folders = [Path(place).parent.name for place in places]
    if len(set(folders)) > 1 and "" in folders:
        raise BadInput(
            f"{name}: {places[folders.index('')]} lies outside the subfolders, which are the labels; move it into one"
        )
    x = np.stack(pictures).astype(np.float32) / 255
    return assemble(x.reshape(len(x), -1), folders if len(set(folders)) > 1 else None, name, shape=x.shape[1:])


def opened(content: bytes, what: str) -> Image.Image:
    """The header of a picture; Pillow itself refuses those that are vast."""
    try:
        return Image.open(io.BytesIO(content))
    except Image.DecompressionBombError:
        raise BadInput(f"{what} has far more than {LARGEST}×{LARGEST} pixels; make it smaller first") from None


def grey(content: bytes, what: str, side: int | None, scaled: str) -> np.ndarray:
    """The picture in 256 greys, (height, width); transparent parts lie on white paper. `scaled` tells how to ask for a side."""
    with refused(f"{what} is no image: remove it, or save it as PNG"), opened(content, what) as picture:
        width, height = picture.size  # known from the header, before a pixel is unpacked
        if side is None and max(width, height) > SIDE:
            raise BadInput(f"{what} has {width}×{height} pixels, more than {SIDE}×{SIDE}; {scaled}")
        if max(width, height) > LARGEST:
            raise BadInput(f"{what} has {width}×{height} pixels, more than {LARGEST}×{LARGEST}; make it smaller first")
        if picture.mode.startswith(("I", "F")):
            raise BadInput(f"{what} has more than 8 bits a pixel; save it as plain 8-bit grey or colour")
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
        paper = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("L")
        return np.asarray(paper if side is None else paper.resize((side, side), Image.Resampling.LANCZOS))


def read_idx(path: Path) -> Data:
    """A folder as MNIST comes: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-… or test-…, each plain or .gz."""

    def part(pattern: str, dims: int) -> np.ndarray:
        found = sorted(f for f in path.iterdir() if re.fullmatch(rf".*{pattern}[-.]idx{dims}-ubyte(\.gz)?", f.name))
        if len(found) != 1:
            have = ", ".join(f.name for f in found) or "no such file"
            raise BadInput(f"{path.name}: there must be one file {pattern}-idx{dims}-ubyte[.gz], there is {have}")
        x = idx(found[0], dims)
        # EMNIST stores its pictures transposed
        return x.transpose(0, 2, 1) if dims == 3 and found[0].name.startswith("emnist") else x

    x, test_x = part("train-images", 3), part("(t10k|test)-images", 3)
    labels = [part("train-labels", 1), part("(t10k|test)-labels", 1)]
    for kind, images_, ids in (("train", x, labels[0]), ("test", test_x, labels[1])):
        if len(images_) != len(ids):
            raise BadInput(f"{path.name}: {len(images_):,} {kind} images but {len(ids):,} {kind} labels; download both again")
    if x.shape[1:] != test_x.shape[1:] or max(x.shape[1:]) > SIDE:
        raise BadInput(
            f"{path.name}: images of {x.shape[1:]} and {test_x.shape[1:]} pixels; both must be one size, at most {SIDE}×{SIDE}"
        )
    names, ids = np.unique(np.concatenate(labels), return_inverse=True)
    y = torch.from_numpy(ids.astype(np.int64))

    def pixels(images_: np.ndarray) -> Tensor:
        return torch.from_numpy(images_.reshape(len(images_), -1).astype(np.float32)).div_(255)

    spec = Spec(tuple(x.shape[1:]), "unit", len(names))
    return Data(path.name, pixels(x), pixels(test_x), spec, y[: len(x)], y[len(x) :], classes=tuple(map(str, names)))


def idx(path: Path, dims: int) -> np.ndarray:
    """An array of bytes in LeCun's IDX format: 0, 0, 8 (unsigned bytes), the number of axes, their lengths, the bytes."""
    opened = gzip.open if path.suffix == ".gz" else open
    with refused(f"{path.name} is damaged: download it again"), opened(path, "rb") as file:
        magic = file.read(4)
        if magic != bytes([0, 0, 8, dims]):
            raise BadInput(f"{path.name} begins with {magic.hex(' ')}, not 00 00 08 0{dims}: it is no IDX file of {dims} axes")
        shape = tuple(np.frombuffer(file.read(4 * dims), ">u4").tolist())
        size = math.prod(shape)
        if size > IDX:
            raise BadInput(f"{path.name} holds {size / MB:,.0f} MB of pixels, the limit is {IDX // MB} MB: give a part of it")
        content = file.read(size + 1)
    if len(shape) != dims or not size or len(content) != size:
        raise BadInput(f"{path.name} declares {size:,} bytes of shape {shape} and holds {len(content):,}: download it again")
    return np.frombuffer(content, np.uint8).reshape(shape)
