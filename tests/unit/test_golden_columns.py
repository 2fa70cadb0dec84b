"""Which columns the rows of each read model have, by its shape: rows of the same shape have the same columns.

A ledger with rows of a lower shape builds them anew; rows of the same shape are served as they are. After a wanted
change raise the read model's `shape`, then write the file anew: python -m tests.unit.test_golden_columns
"""

import json
from pathlib import Path
from typing import Any

import pytest

from projections.read_models.catalog import PROJECTIONS
from projections.read_models.projection import Projection

GOLDEN = Path(__file__).parents[1] / "golden" / "columns.json"
COMMAND = "python -m tests.unit.test_golden_columns"


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_read_model_has_the_columns_of_its_shape(name: str) -> None:
    shape, known = PROJECTIONS[name].shape, recorded().get(name, {})

    assert not (due := shape_due(name)), due
    assert known == described(PROJECTIONS[name]), f"{name} has the shape {shape}: {COMMAND} writes its columns"


def test_every_entry_belongs_to_a_read_model() -> None:
    assert recorded().keys() <= PROJECTIONS.keys(), f"{COMMAND} writes the file without those that have gone"


def shape_due(name: str) -> str:
    """What to do where columns changed and the shape did not rise; nothing where that is in order."""
    model, known = PROJECTIONS[name], recorded().get(name)
    if known is None or model.shape > known["shape"] or known == described(model):
        return ""
    return (
        f"the columns of {name} changed: raise its shape above {known['shape']} in projections/read_models/{name}.py,"
        f" then {COMMAND}"
    )


def described(model: Projection[Any]) -> dict[str, Any]:
    return {"shape": model.shape, "columns": [repr(column) for column in model.columns]}


def recorded() -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    return golden


def write_golden() -> None:
    if due := "\n".join(filter(None, map(shape_due, PROJECTIONS))):
        raise SystemExit(due)
    content = {name: described(model) for name, model in PROJECTIONS.items()}
    GOLDEN.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
