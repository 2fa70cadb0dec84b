"""What is stored in a row of each read model, by its shape: rows of the same shape have the same columns, documents,
entries and terms.

A ledger with rows of a lower shape rebuilds them; rows of the same shape are served as they are. After a wanted
change raise the read model's `shape`, then write the files again: python -m tests.unit.test_golden_columns
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from projections.read_models.catalog import PROJECTIONS
from projections.read_models.columns import Field
from projections.read_models.projection import Projection, Stamps
from tests.support.each import each
from tests.support.example_values import example

GOLDEN = Path(__file__).parents[1] / "golden" / "read_models"
COMMAND = "python -m tests.unit.test_golden_columns"
SPECIAL: dict[str, dict[str, Any]] = {  # values that an entry depends on, which no annotation names
    "work_items": {"answer": {"verdict": "refuse"}},
}


@each("name", PROJECTIONS)
def test_a_read_model_stores_what_its_shape_says(name: str) -> None:
    shape, known = PROJECTIONS[name].shape, recorded(name)

    assert not (due := shape_due(name)), due
    assert known == described(PROJECTIONS[name]), f"{name} has the shape {shape}: {COMMAND} writes what it stores"


@each("name", PROJECTIONS)
def test_a_column_has_the_kind_of_its_field(name: str) -> None:
    """A server refuses to take `true` as a number, and every event with it."""
    model = PROJECTIONS[name]
    for document in (row["document"] for row in described(model)["rows"]):
        for field in model.columns:
            if not isinstance(field, Field):
                continue
            value = document
            for key in field.path:
                value = value[key]
            assert type(value) is (str if field.kind == "text" else int), (
                f"{field.name} of {name} is declared as {field.kind}, and its field holds {value!r}: a boolean is"
                f' declared as Flags("{field.name}", {{"{field.name}": 1}})'
            )


def test_every_file_belongs_to_a_read_model() -> None:
    names = {file.stem for file in GOLDEN.glob("*.json")}

    assert names == PROJECTIONS.keys(), f"{COMMAND} writes those that are missing; delete those of what has gone"


def shape_due(name: str) -> str:
    """What to do where stored rows would be others and the shape did not rise; nothing where that is in order."""
    model, known = PROJECTIONS[name], recorded(name)
    if not known or model.shape > known["shape"]:
        return ""
    rows = [stored(model, row["document"]) for row in known["rows"]]
    changed = [part for part, now in (("columns", columns(model)), ("rows", rows)) if now != known[part]]
    if not changed:
        return ""
    return (
        f"the {' and '.join(changed)} of {name} changed: raise its shape above {known['shape']} in"
        f" projections/read_models/{name}.py, then {COMMAND}"
    )


def described(model: Projection[Any]) -> dict[str, Any]:
    rows = [stored(model, document) for document in documents(model)]
    return {"shape": model.shape, "columns": columns(model), "rows": rows}


def columns(model: Projection[Any]) -> list[str]:
    return [repr(column) for column in model.columns]


def documents(model: Projection[Any]) -> list[dict[str, Any]]:
    """Two states that have everything in them: with all flags and with none."""
    state = type(model.decider.initial)
    with_all, with_none = (example(state, is_set=is_set) | example(Stamps) for is_set in (True, False))
    for field, values in SPECIAL.get(model.name, {}).items():
        with_none[field] |= values
    return [with_all, with_none]


def stored(model: Projection[Any], document: dict[str, Any]) -> dict[str, Any]:
    """What the database holds of the entity that `document` describes."""
    row = model.row("an id", 3, 7, msgspec.json.encode(document))
    return {
        "document": json.loads(model.document(row)),
        "entries": [list(entry) for entry in sorted(model.entries_of(row))],
        "terms": sorted((model.terms(None, row) or "").split()),
    }


def recorded(name: str) -> dict[str, Any]:
    file = GOLDEN / f"{name}.json"
    golden: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return golden


def write_golden() -> None:
    if due := "\n".join(filter(None, map(shape_due, PROJECTIONS))):
        raise SystemExit(due)
    GOLDEN.mkdir(exist_ok=True)
    for name, model in PROJECTIONS.items():
        content = json.dumps(described(model), indent=1, ensure_ascii=False, sort_keys=True)
        (GOLDEN / f"{name}.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
