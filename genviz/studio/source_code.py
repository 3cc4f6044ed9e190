"""What a model's file says, read without importing it: the very source of a method, and the card of a model of one's own."""

import ast
from functools import lru_cache
from pathlib import Path

from genviz.catalog import CARDS, Card
from genviz.paths import PACKAGE


def model_files() -> dict[str, Path]:
    """slug -> the file of every model that is here, a user's own among them."""
    return {path.stem: path for path in sorted(PACKAGE.glob("models/*/[!_]*.py"))}


def card_of(slug: str) -> Card:
    """The card of the catalogue; that of a model of one's own from its docstrings."""
    return CARDS.get(slug) or _own(slug, model_files()[slug])


@lru_cache(maxsize=64)
def _own(slug: str, path: Path) -> Card:
    tree = ast.parse(path.read_text())
    title = (ast.get_docstring(tree) or slug).partition("\n")[0].rstrip(".")
    model = next((node for node in tree.body if isinstance(node, ast.ClassDef)), None)
    idea, _, rest = ((model and ast.get_docstring(model)) or "").partition("\n")
    paper = rest.partition("Source:")[2].partition("\n\n")[0]
    return Card(slug, path.parent.name, title, 0, " ".join(paper.split()), "", idea)


@lru_cache(maxsize=64)
def method(path: Path, name: str) -> str:
    """The source of the first function called `name` in a file, dedented."""
    text = path.read_text()
    node = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and n.name == name)
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return "\n".join(line[node.col_offset :] for line in lines)
