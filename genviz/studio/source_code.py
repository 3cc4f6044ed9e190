"""The very source of a method, read from the model's file without importing it."""

import ast
from functools import lru_cache
from pathlib import Path

from genviz.paths import PACKAGE


def model_file(family: str, slug: str) -> Path:
    return PACKAGE / "models" / family / f"{slug}.py"


@lru_cache(maxsize=64)
def method(path: Path, name: str) -> str:
    """The source of the first function called `name` in a file, dedented."""
    text = path.read_text()
    node = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and n.name == name)
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return "\n".join(line[node.col_offset :] for line in lines)
