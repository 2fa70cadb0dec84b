"""Small deviations of the legacy grammars, as hands make them: the same is understood, and nothing is made up."""

from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Invalid
from ledger.importing.readers.legacy.status_file import read
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse

NOW = parse("2026-11-22T12:00:00Z")


@pytest.fixture
def reads(tmp_path: Path) -> Any:
    def run(text: str) -> Reading:
        path = tmp_path / "status.md"
        path.write_bytes(text.encode())
        return read(path, lambda name: f"id of {name}", NOW)

    return run


def flat(fields: dict[str, Any]) -> dict[str, Any]:
    """Status, counts, version, manifest and the supported formats; what is absent is None."""
    results, formats = fields.get("test_results"), fields.get("format_support")
    return {
        "status": fields.get("status"),
        "counts": (results.passing, results.total, results.skipped) if results else None,
        "version": fields.get("extractor_version"),
        "formats": sorted(name for name, supported in formats.items() if supported) if formats else None,
    }


WHOLE = {"status": "operational", "counts": (10, 12, 2), "version": "1.2.3", "formats": ["csv", "excel"]}
BARE = {"status": "operational", "counts": (10, 12, None), "version": None, "formats": None}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- EPSON: operational (10/12 tests passed, 2 skipped) [Excel, CSV] v1.2.3", WHOLE),
        ("*   **EPSON**:  Operational ( 10 / 12 tests passed , 2 skipped ) [ excel,csv ] V1.2.3", WHOLE),
        ("- **EPSON [Excel, CSV]**: operational (10/12 tests passed, 2 skipped) v1.2.3", WHOLE),
        ("- **EPSON:** OPERATIONAL (10 of 12 passing, 2 skipped) [Excel/CSV] version 1.2.3", WHOLE),
        ("+ `EPSON` - operational - 10/12/2 - Excel, CSV - v1.2.3", WHOLE),
        ("1. [EPSON](docs/epson.md): operational (10/12 tests, 2 skipped) [xlsx, csv] (v1.2.3)", WHOLE),
        ("-\tEPSON:operational(10/12 tests passed, 2 skipped)[Excel, CSV]v1.2.3", WHOLE),
        ("- EPSON operational 10/12 tests passed, 2 skipped Excel, CSV v1.2.3", WHOLE),
        ("- ✅ EPSON: (10/12 tests passed, 2 skipped) [Excel, CSV] v1.2.3", WHOLE),
        ("- [x] EPSON: operational (10/12 tests passed, 2 skipped) [Excel, CSV] v1.2.3", WHOLE),
        ("EPSON: operational (10/12 tests passed, 2 skipped) [Excel, CSV] v1.2.3", WHOLE),
        ("- EPSON: operational\n  (10/12 tests passed, 2 skipped)\n  [Excel, CSV]\n  v1.2.3", WHOLE),
        ("- **EPSON**: operational\n(10/12 tests, 2 skipped)\n[Excel, CSV] v1.2.3", WHOLE),
        ("### EPSON\n- **Status**: operational\n- Tests: 10/12 (2 skipped)\n- Formats: Excel ✓, CSV ✓, PDF ✗\n"
         "- Version: v1.2.3", WHOLE),
        ("| Vendor | Status | Version | Tests | Formats |\n|---|---|---|---|---|\n"
         "| EPSON | operational | 1.2.3 | 10 of 12, 2 skipped | excel, csv |", WHOLE),
        ("- EPSON: operational (10/12, 2 skipped) ✅ Excel ✅ CSV ❌ PDF v1.2.3", WHOLE),
        ("- EPSON: operational (10/12, 2 skipped) Excel ✅ CSV ✅ PDF ❌ v1.2.3", WHOLE),
        ("- EPSON: operational ✅ Excel, CSV (10/12, 2 skipped) v1.2.3", WHOLE),
        ("- EPSON: broken ❌ Excel, CSV (10/12, 2 skipped) v1.2.3", WHOLE | {"status": "broken"}),
        ("- EPSON: operational (10/12)", BARE),
        ("### Operational vendors (1)\n- EPSON (10/12 tests passing)", BARE),
        ("**Operational vendors:** 1\n\n- EPSON (10/12 tests passing)", BARE),
        ("- EPSON: not operational (10/12)", BARE | {"status": "broken"}),
        ("- EPSON: flaky since monday (10/12)", BARE | {"status": None}),
        ("- EPSON: operational (10/12) none", BARE | {"formats": []}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_vendor_is_understood_however_its_line_is_written(
    reads: Any, line: str, expected: dict[str, Any], end: str
) -> None:
    reading = reads(f"# Project Status\n\n## Vendors (1 total)\n\n{line}\n".replace("\n", end))

    [vendor] = reading.vendors
    assert (vendor.name, flat(vendor.fields)) == ("EPSON", expected)
    assert reading.not_taken == []


DEPLOYED = ("2025-01-15T00:00:00.000000Z", 7, "84b0fb4", {"passed": 45, "failed": 0}, True)


@pytest.mark.parametrize(
    "text",
    [
        "### 2025-01-15 - PR #7\n- Commit: 84b0fb4\n- Tests: 45 passed, 0 failed\n- Constitutional Compliance: ✓",
        "### PR #7 (2025-01-15)\n* **Commit:** `84B0FB4`\n* **Tests:** passed: 45, failed: 0\n* **Compliance**: yes",
        "### January 15, 2025 – PR #7\nCommit: [84b0fb4](https://x/y/commit/84b0fb4)\nTests:\n- 45 passed\n- 0 failed\n"
        "Constitutional Compliance: ✅ all principles",
        "### 15.01.2025: PR#7\n- Commit Hash: https://x/y/commit/84b0fb4\n- Tests: 45 passed; 0 failed\n"
        "- Constitutional compliance: ✔️",
    ],
)
def test_a_deployment_is_understood_however_it_is_written(reads: Any, text: str) -> None:
    reading = reads(f"## Deployments (1 total)\n\n{text}\n")

    [deployment] = reading.deployments
    names = ("deployed_at", "pr_number", "commit_hash", "test_summary", "constitutional_compliance")
    assert tuple(deployment.fields.get(name) for name in names) == DEPLOYED
    assert reading.not_taken == []


@pytest.mark.parametrize(
    "text",
    [
        "- Read faxes (Priority: High, Q1 2026)",
        "* **Read faxes** (P1, 2026-Q1)",
        "1. [P1] Read faxes - Q1/2026",
        "### P1: Read faxes (Q1 2026)",
        "### Read faxes\n- **Priority**: High\n- **Target Quarter**: Q1 2026",
        "### P1\n- Read faxes - Q1 2026",
        "- P1 | Read faxes | 2026 Q1",
        "- High priority: Read faxes, Q1 2026",
        "| Title | Priority | Quarter |\n|---|---|---|\n| Read faxes | P1 | Q1 2026 |",
    ],
)
def test_an_enhancement_is_understood_however_it_is_written(reads: Any, text: str) -> None:
    reading = reads(f"## Future Enhancements (1 total)\n\n{text}\n")

    [enhancement] = reading.enhancements
    names = ("title", "priority", "target_quarter")
    assert tuple(enhancement.fields[name] for name in names) == ("Read faxes", 2, "2026-Q1")


@pytest.mark.parametrize("name", ["Bank (EU)", "North - South", "Delta: East", "Data [beta]", "Bank"])
def test_a_bold_name_with_a_colon_behind_it_is_the_whole_name(reads: Any, name: str) -> None:
    (vendor,) = reads(f"# Project Status\n\n## Vendors\n\n- **{name}**: Operational (10/12 tests) none\n").vendors

    assert vendor.name == name
    assert flat(vendor.fields) == {**BARE, "formats": []}
    assert "metadata" not in vendor.fields


@pytest.mark.parametrize("tests", ["1,045 passed, 12 failed", "passed: 1,045, failed: 12"])
def test_a_number_with_a_separator_of_thousands_is_one_number(reads: Any, tests: str) -> None:
    reading = reads(
        "## Vendors\n\n- EPSON: operational (1,045/1,057 tests)\n\n"
        f"## Deployments\n\n### 2025-01-15 - PR #7\n- Tests: {tests}\n"
    )

    assert reading.deployments[0].fields["test_summary"] == {"passed": 1045, "failed": 12}
    assert flat(reading.vendors[0].fields)["counts"] == (1045, 1057, None)


def test_nothing_is_made_up(reads: Any) -> None:
    reading = reads("## Deployments\n\n### PR #7\n- Commit: n/a\n- Tests: all green\n- Constitutional Compliance: ?\n")

    [deployment] = reading.deployments
    assert deployment.fields == {"pr_number": 7, "metadata": {"tests": "all green"}}


@pytest.mark.parametrize(
    ("line", "number"),
    [("- : operational", 4), ("EPSON ??? 12", 4), ("### Something\n- else", 4), ("x" * 6000, 4)],
)
def test_what_is_not_understood_is_reported_with_its_line(reads: Any, line: str, number: int) -> None:
    kind = "Deployments" if line.startswith("###") else "Vendors"

    reading = reads(f"## Future Enhancements\n- Fax\n## {kind}\n{line}\n")

    assert reading.not_taken[0].where.startswith(f"line {number}: ")


def test_a_code_block_is_text(reads: Any) -> None:
    text = "## Session Prompts (1 total)\n\n### Session 2025-01-01\n\n```md\n## Vendors (9 total)\n```\nend\n"

    reading = reads(text)

    assert reading.vendors == []
    assert reading.items[0].fields["metadata"]["body"] == "```md\n## Vendors (9 total)\n```\nend"


def test_a_prompt_with_headings_of_its_own_stays_whole(reads: Any) -> None:
    one = "### Session 2025-01-01\n---\nsession_id: s1\n---\nGo.\n\n## Goal\n\nMore.\n\n"
    text = f"## Session Prompts (2 total)\n\n{one}### Session 2025-01-02\n---\nsession_id: s2\n---\nEnd.\n"

    reading = reads(text)

    assert [item.external_id for item in reading.items] == ["s1", "s2"]
    assert reading.items[0].fields["metadata"]["body"] == "Go.\n\n## Goal\n\nMore."


def test_a_session_whose_yaml_is_broken_is_named_with_its_line(reads: Any) -> None:
    text = "## Session Prompts (2 total)\n\n### Session 1\n---\na: [1\n---\n\n### Session 2\n---\na: 1\n---\nx\n"

    reading = reads(text)

    assert [finding.kind for finding in reading.not_taken] == ["broken_front_matter"]
    assert [item.external_id for item in reading.items] == ["Session 2"]


def test_a_list_of_boxes_is_a_tree(reads: Any) -> None:
    reading = reads("## Work Items\n\n- [ ] Whole\n  - [x] Part\n- [ ] Other\n")

    parents = {item.fields["title"]: [link.to for link in item.links] for item in reading.items}
    assert parents == {"Whole": [], "Part": ["Whole"], "Other": []}


def test_a_file_without_anything_known_is_refused(reads: Any) -> None:
    with pytest.raises(Invalid, match="holds no vendors"):
        reads("# Notes\n\nNothing here.\n")


def test_a_report_that_the_ledger_keeps_in_the_file_is_not_imported_with_it(reads: Any) -> None:
    mark = "tracking-ledger: {} 0123456789abcdef"
    ours = f"<!-- {mark.format('begin')}; do not edit -->\n## Vendors\n\n- X: broken\n<!-- {mark.format('end')} -->\n"

    reading = reads(f"{ours}\n## Future Enhancements (1 total)\n\n- Fax (line 9)\n??? 1\n")

    assert (reading.vendors, len(reading.enhancements)) == ([], 1)
    assert reading.not_taken == []


@pytest.mark.parametrize(
    "ours", ["# Status of x\n\nAs of position 3, then.\n", "<!-- tracking-ledger: ids and versions\n-->\n"]
)
def test_a_report_that_a_ledger_wrote_is_refused(reads: Any, ours: str) -> None:
    with pytest.raises(Invalid, match="is a report that a tracking ledger wrote"):
        reads(f"{ours}\n## Vendors (1 total)\n\n- X: broken\n")


def test_the_last_ten_of_none_are_none(reads: Any) -> None:
    reading = reads("## Recent Deployments (Last 10)\n\nNo deployments yet.\n\n## Future Enhancements\n- Fax\n")

    assert (reading.failures, reading.not_taken, reading.deployments) == ([], [], [])


def test_a_title_that_sounds_like_a_section_is_none_where_sections_stand_below_it(reads: Any) -> None:
    reading = reads("# Tasks\n\n## Vendors (1 total)\n\n- A: broken\n\n## Future Enhancements (1 total)\n\n- Fax\n")

    assert (len(reading.vendors), len(reading.enhancements), reading.items) == (1, 1, [])


def test_headings_and_rules_inside_a_prompt_begin_no_session(reads: Any) -> None:
    body = "Go.\n\n### Summary\n---\nText.\n\n### Session notes\n\n#### Session 2\n---\na: 1\n---"
    text = f"## Session Prompts (1 total)\n\n### Session 2025-01-01\n---\nsession_id: s1\n---\n{body}\n"

    reading = reads(text)

    assert [(item.external_id, item.fields["metadata"]["body"]) for item in reading.items] == [("s1", body)]


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("👀 Ship it", ("in_review", "review")),
        ("Ship it (needs review)", ("in_review", "review")),
        ("[-] Ship it", ("dropped", "dropped")),
        ("Ship it (cancelled)", ("dropped", "dropped")),
        ("❌ Ship it", ("blocked", "waiting")),
        ("[?] Ship it", ("blocked", "waiting")),
        ("[ ] 🎨 Ship it", ("active", "active")),
        ("[ ] Ship it", ("active", "active")),
    ],
)
def test_the_state_of_a_work_item_is_one_of_its_category_and_an_unknown_one_waits(
    reads: Any, line: str, state: tuple[str, str]
) -> None:
    [item] = reads(f"## Work Items\n\n- {line}\n").items

    assert (item.state.name, item.state.category) == state
    assert item.removed is None


@pytest.mark.parametrize(
    "row",
    ["| Supplier | Health | Suite |", "| Last updated | 2026-01-01 |", "| 12/12 | operational |"],
)
def test_a_row_without_a_head_that_says_nothing_of_a_vendor_is_named_with_its_line(reads: Any, row: str) -> None:
    found = reads(f"## Vendors\n\n{row}\n| Acme | operational | 12/12 |\n| Globex | unknown |\n| Umbra |\n")

    assert [vendor.name for vendor in found.vendors] == ["Acme", "Globex", "Umbra"]
    assert [one.where.split(":")[0] for one in found.not_taken] == ["line 3"]
