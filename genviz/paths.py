"""Where things are: the package, the site (pages, pretrained, app.py) and the user's own folder."""

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).parent
ROOT = next(p for p in (PACKAGE / "site", PACKAGE.parent) if (p / "app.py").exists())  # in the wheel, in a checkout
PRETRAINED = ROOT / "pretrained"


def home() -> Path:
    """The user's folder, `GENVIZ_HOME` or the platform's data folder: `runs/`, `data/`, `claims.json`."""
    return Path(os.environ.get("GENVIZ_HOME") or platformdirs.user_data_path("genviz")).expanduser()
