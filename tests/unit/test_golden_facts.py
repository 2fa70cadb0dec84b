"""What every schema of every fact looks like in the log, kept for ever, and what it reads as today.

`python -m tests.unit.test_golden_facts` writes the files of new schemas and brings `read` up; it never changes
`recorded`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from ledger.catalog import FACTS
from ledger.codec import encode, reading, schema_of
from tests.support.each import each
from tests.support.example_values import example

GOLDEN = Path(__file__).parents[1] / "golden" / "facts"
SCHEMAS = [(name, schema) for name in FACTS for schema in range(1, schema_of(name) + 1)]


@each(("name", "schema"), SCHEMAS)
def test_what_any_release_recorded_reads_as_its_golden_file_says(name: str, schema: int) -> None:
    golden = golden_of(name, schema)

    assert read(name, schema, golden["recorded"]) == golden["read"]


@each("name", FACTS)
def test_a_fact_is_recorded_as_the_golden_file_of_its_schema_says(name: str) -> None:
    golden = golden_of(name, schema_of(name))

    fact = reading(FACTS[name], name, schema_of(name))(msgspec.json.encode(golden["recorded"]))

    assert json.loads(encode(fact)) == golden["recorded"]


def test_every_golden_file_belongs_to_a_schema_that_is_read() -> None:
    spare = {path.name for path in GOLDEN.glob("*.json")} - {file_of(*schema).name for schema in SCHEMAS}

    assert spare == set(), "no fact of today has these schemas, and what was recorded with them could not be read"


def golden_of(name: str, schema: int) -> dict[str, Any]:
    path = file_of(name, schema)
    assert path.exists(), f"{path.name} is not there yet: python -m tests.unit.test_golden_facts writes it"
    golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return golden


def file_of(name: str, schema: int) -> Path:
    return GOLDEN / f"{name}.{schema}.json"


def read(name: str, schema: int, recorded: dict[str, Any]) -> Any:
    return json.loads(encode(reading(FACTS[name], name, schema)(msgspec.json.encode(recorded))))


def write_golden() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, schema in SCHEMAS:
        file = file_of(name, schema)
        if file.exists():
            recorded = json.loads(file.read_text(encoding="utf-8"))["recorded"]
        else:
            recorded = example(FACTS[name])
        content = {"recorded": recorded, "read": read(name, schema, recorded)}
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
