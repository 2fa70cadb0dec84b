"""Where sql/, templates/ and examples/ are: in the checkout, or inside the installed package."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def folder(name: str) -> Path:
    """The folder `sql`, `templates` or `examples`."""
    installed = _PACKAGE / "_resources" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


@cache
def sql(name: str) -> str:
    """The text of `sql/<name>.sql`, for example `questions/vendors/by_name`."""
    return (folder("sql") / f"{name}.sql").read_text(encoding="utf-8")
