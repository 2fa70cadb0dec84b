"""The importers that installed packages offer, beside those of this program.

One that cannot be loaded keeps none of the others away: it has its command, which says why.
"""

import re
from collections.abc import Container, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import NoReturn

from ledger.errors import Invalid
from ledger.importing.importer import Importer
from ledger.importing.readers.source_item import Read, reader

GROUP = "tracking_ledger.importers"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def own_importers(taken: Container[str]) -> Iterator[tuple[str, Importer, Read]]:
    """Each with its name and its reader. One whose name is `taken` has that of its package behind it."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, _package(point))):
        name = f"{point.name}-{_package(point)}" if point.name in taken else point.name
        yield (name, *_loaded(name, point))


def _loaded(name: str, point: EntryPoint) -> tuple[Importer, Read]:
    try:
        importer = point.load()
    except Exception as error:  # whatever the code of another package raises
        return _broken(point, f"cannot be loaded: {type(error).__name__}: {error}")
    if not isinstance(importer, Importer):
        return _broken(point, f"is a {type(importer).__name__}, not an Importer")
    if not _NAME.fullmatch(name):
        return _broken(point, f"is called {name!r}: small letters, digits, - and _ are allowed, at most 40")
    return importer, reader(name, importer.called, importer.records)


def _broken(point: EntryPoint, problem: str) -> tuple[Importer, Read]:
    """What stands for an importer that cannot be used: it recognises nothing, and says why when it is asked for."""

    def refuse() -> NoReturn:
        raise Invalid(
            f"the importer {point.value} of the package {_package(point)} {problem}",
            next_step=f"repair or remove the package {_package(point)}; nothing was recorded",
            fields=[{"field": "importer", "problem": problem, "value": point.value}],
        )

    sentence = f"Cannot be used: the importer of the package {_package(point)} {problem}."
    return Importer(
        called="nothing", sentence=sentence, recognises=lambda sample: False, records=lambda path, reading: refuse()
    ), (lambda path, identify, imported_at: refuse())


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"
