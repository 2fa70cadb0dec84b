"""Generated files of each legacy grammar: what is read is what the generator knows, whatever hands did to it."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Invalid
from ledger.importing.readers.legacy.status_file import read
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse
from tests.support.examples import examples
from tests.support.status_files import Known, grammar_a, grammar_b, grammar_c

NOW = parse("2026-11-22T12:00:00Z")
SMALL = st.integers(1, 6)


def reading_of(text: str) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "status.md"
        path.write_bytes(text.encode())
        return read(path, lambda name: f"id of {name}", NOW)


def vendors(reading: Reading) -> dict[str, dict[str, Any]]:
    found = {}
    for vendor in reading.vendors:
        fields, results = vendor.fields, vendor.fields["test_results"]
        found[vendor.name] = {
            "status": fields.get("status"),
            "passing": results.passing,
            "total": results.total,
            "skipped": results.skipped,
        }
        formats = fields.get("format_support")
        if formats is not None:
            found[vendor.name]["formats"] = {name for name, supported in formats.items() if supported}
        found[vendor.name] |= {"version": fields["extractor_version"]} if "extractor_version" in fields else {}
        output = fields.get("metadata", {}).get("output_type")
        found[vendor.name] |= {"output_type": output} if output else {}
    return found


def expected(known: Known) -> dict[str, dict[str, Any]]:
    return {
        name: {key: set(value) if key == "formats" else value for key, value in stated.items()}
        for name, stated in known.vendors.items()
    }


def agree(reading: Reading, known: Known) -> None:
    assert vendors(reading) == expected(known)
    pairs = [(one.fields["pr_number"], one.fields["commit_hash"]) for one in reading.deployments]
    assert pairs == known.deployments
    planned = {
        one.fields["title"]: (one.fields["priority"], one.fields["target_quarter"]) for one in reading.enhancements
    }
    assert planned == known.enhancements
    sessions = [item for item in reading.items if item.fields["item_type"] == "session" and "body" in _metadata(item)]
    assert {item.external_id: _metadata(item)["body"] for item in sessions} == known.sessions
    assert reading.not_taken == []


def _metadata(item: Any) -> dict[str, Any]:
    found: dict[str, Any] = item.fields.get("metadata", {})
    return found


@examples(60)
@given(st.tuples(SMALL, SMALL, SMALL, SMALL), st.integers(0, 10**6), st.booleans())
def test_a_file_of_the_first_grammar_gives_what_it_was_made_of(
    counts: tuple[int, int, int, int], seed: int, odd: bool
) -> None:
    text, known = grammar_a(counts, seed, odd)

    reading = reading_of(text)

    agree(reading, known)
    assert reading.found == sum(counts)


@examples(60)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 4), st.integers(0, 10**6))
def test_a_generated_report_gives_what_it_was_made_of(vendors: int, items: int, deployed: int, seed: int) -> None:
    text, known = grammar_b(vendors, items, deployed, seed)

    reading = reading_of(text)

    agree(reading, known)
    parents = {item.fields["title"]: item.links[0].to if item.links else None for item in reading.items}
    assert parents == {title: stated["parent"] for title, stated in known.items.items()}
    assert any(warning.kind == "count_disagrees" for warning in reading.warnings)


@examples(10)
@given(st.integers(0, 100))
def test_a_hand_kept_file_gives_what_it_was_made_of(seed: int) -> None:
    text, known, _ = grammar_c(seed)

    reading = reading_of(text)

    agree(reading, known)
    [deployment] = reading.deployments
    assert deployment.fields["metadata"]["accomplishments"] == ["Split the commissions", "Read: the manifest"]
    left = [warning.where for warning in reading.warnings if warning.kind == "left_to_its_author"]
    assert [where.partition(": ")[2] for where in left] == ["OPERATIONAL PROCEDURES", "HISTORICAL REFERENCE"]


@examples(60)
@given(st.integers(0, 10**6), st.data())
def test_no_file_however_torn_makes_the_reader_fail(seed: int, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([grammar_a((2, 2, 2, 2), seed)[0], grammar_b(seed=seed)[0], grammar_c(seed)[0]]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    between = data.draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))

    torn = text[:start] + between + text[end:]

    reading = _read_or_none(torn)
    if reading is not None:
        records = (*reading.vendors, *reading.deployments, *reading.enhancements, *reading.items)
        assert reading.found >= len(records)


def _read_or_none(text: str) -> Reading | None:
    try:
        return reading_of(text)
    except Invalid:
        return None
