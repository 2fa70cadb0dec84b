"""Status files in the ways people write them, generated from known content: every field is what it was made of."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Invalid
from ledger.importing.readers.legacy.status_file import read
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse, text
from tests.support.each import each
from tests.support.examples import examples
from tests.support.markdown_shapes import NOT_UNDERSTOOD, Content, status_files

NOW = parse("2026-11-22T12:00:00Z")
FORMS = ["utf-8", "utf-8-sig", "utf-16"]
ENDS = ["\n", "\r\n"]


def reading_of(written: str, form: str = "utf-8") -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ".project_status.md"
        path.write_bytes(written.encode(form))
        return read(path, lambda name: f"id of {name}", NOW)


def state(item: Any) -> str:
    """What is not understood waits, and keeps how it is written."""
    written = item.fields.get("metadata", {}).get("source_status")
    return "unknown" if (item.status, written in NOT_UNDERSTOOD) == ("blocked", True) else item.status or "active"


def content_of(reading: Reading) -> Content:
    found = Content()
    for vendor in reading.vendors:
        results = vendor.fields["test_results"]
        found.vendors[vendor.name] = (vendor.fields["status"], results.passing, results.total)
        kept = vendor.fields.get("metadata", {}).get("fax")
        found.kept |= {vendor.name: kept} if kept is not None else {}
    for item in reading.items:
        found.items[item.fields["title"]] = state(item)
        addresses = item.fields.get("metadata", {}).get("addresses")
        found.kept |= {item.fields["title"]: addresses[0]} if addresses else {}
    for enhancement in reading.enhancements:
        found.enhancements[enhancement.fields["title"]] = enhancement.fields["priority"]
    for deployment in reading.deployments:
        at = deployment.fields.get("deployed_at")
        found.deployments[deployment.fields["pr_number"]] = (
            deployment.fields["commit_hash"],
            parse(at) if at else None,
        )
    return found


def test_of_several_that_may_be_the_commit_the_full_hash_is_it() -> None:
    commit = "0123456789abcdef0123456789abcdef01234522"

    [deployment] = reading_of(
        f"## Deployments\n- 2026-07-01 09:00 UTC: PR #2 build 1719824400 `{commit}`\n"
    ).deployments

    assert deployment.fields["commit_hash"] == commit


@each(
    ("heading", "status"),
    [("In Progress", "in_progress"), ("Blocked", "blocked"), ("In Review", "in_review"), ("Next Steps", "active")],
)
def test_an_empty_box_leaves_what_the_heading_above_says(heading: str, status: str) -> None:
    reading = reading_of(f"## {heading}\n- [ ] Hang the door\n- [x] Paint it\n")

    assert [state(item) for item in reading.items] == [status, "completed"]


def test_headings_with_a_time_or_with_fields_are_deployments_of_their_own() -> None:
    one, two = "0123456789abcdef0123456789abcdef01234522", "0123456789abcdef0123456789abcdef01234523"
    dated = f"### v1 - 2026-07-01 10:00 +0200\n- PR #5: Door\n- Commit: {one}\n\n### 2026-07-02 09:00 UTC\n"
    dated += f"PR: https://github.com/o/r/pull/6\nCommit: https://github.com/o/r/commit/{two}\n"
    named = f"### v1\n- PR: #5\n- Commit: {one}\n\n### v2\n- PR: #6\n- Commit: {two}\n"

    found = [reading_of(f"## Deployments\n{written}").deployments for written in (dated, named)]

    for deployments in found:
        assert [(entry.fields["pr_number"], entry.fields["commit_hash"]) for entry in deployments] == [
            (5, one),
            (6, two),
        ]
    assert [text(parse(entry.fields["deployed_at"]))[:16] for entry in found[0]] == [
        "2026-07-01T08:00",
        "2026-07-02T09:00",
    ]
    assert [entry.fields.get("pr_title") for entry in found[0]] == ["Door", None]


@each("written", ["2026-W27-3", "yesterday", "soon"])
def test_a_deployment_whose_time_is_not_understood_is_reported(written: str) -> None:
    reading = reading_of(f"## Deployments\n- {written}: PR #2 `0123456789abcdef0123456789abcdef01234522`\n")

    assert "deployed_at" not in reading.deployments[0].fields
    assert [finding.kind for finding in reading.warnings] == ["no_time_known"]


@each(
    ("fields", "status"),
    [
        ("- Blocked by: Other", "blocked"),
        ("- Status: open\n- Waiting on: the keys of Acme", "blocked"),
        ("- Blocked by: none", "active"),
        ("- Status: done\n- Blocked by: Other", "completed"),
        ("- Status: in progress\n- Blocked by: Other", "in_progress"),
    ],
)
def test_what_names_its_blocker_waits_and_keeps_the_words(fields: str, status: str) -> None:
    item = reading_of(
        f"# S\n\n## Tasks\n\n### Build it\n- Priority: P1\n{fields}\n\n### Other\n- Status: open\n"
    ).items[0]

    found = item.status or "active"
    assert found == status
    assert fields.rpartition("- ")[2] in item.fields["description"]


@each(("head", "status"), [("[X]Ship", "completed"), ("[x]Ship", "completed"), ("[ ]Ship", "active")])
def test_a_box_that_touches_the_title_is_a_box(head: str, status: str) -> None:
    item = reading_of(f"# S\n\n## Tasks\n- {head}\n- [x](https://example.com) a link\n").items[0]

    assert (item.fields["title"], item.status or "active") == ("Ship", status)


@examples(150)
@given(status_files(), st.sampled_from(FORMS), st.sampled_from(ENDS))
def test_every_field_is_what_the_file_was_made_of(made: tuple[str, Content], form: str, end: str) -> None:
    written, content = made

    reading = reading_of(written.replace("\n", end), form)

    found = content_of(reading)
    assert found.vendors == content.vendors
    assert found.items == content.items
    assert found.enhancements == content.enhancements
    assert found.deployments == content.deployments
    assert found.kept == content.kept
    assert (reading.not_taken, reading.not_read, reading.failures) == ([], {}, [])


@examples(100)
@given(status_files())
def test_what_is_uncertain_is_reported_with_its_line_and_kept_as_it_is_written(made: tuple[str, Content]) -> None:
    reading = reading_of(made[0])

    warned = " ".join(f"{warning.kind} {warning.where}" for warning in reading.warnings)
    for item in reading.items:
        if state(item) == "unknown":
            assert f"state_not_understood line {_line(made[0], item.fields['title'])}: " in warned
            assert item.fields["metadata"]["source_status"]
    for deployment in reading.deployments:
        spelling = deployment.fields.get("metadata", {}).get("source_deployed_at")
        kind = "time_not_understood" if "deployed_at" not in deployment.fields else "no_zone"
        if spelling:
            assert f"{kind} line {_line(made[0], '#' + str(deployment.fields['pr_number']) + ' ')}: " in warned
            assert spelling in made[0]
        else:
            assert text(parse(deployment.fields["deployed_at"]))


def _line(written: str, words: str) -> int:
    return next(number for number, line in enumerate(written.split("\n"), 1) if words in line)


@each("title", ["Operational Procedures", "Historical Reference", "Notes of Ann"])
def test_a_list_below_an_underlined_heading_that_belongs_to_no_section_is_no_record(title: str) -> None:
    written = f"## Vendors\n\n- Delta: operational\n{title}\n{'-' * len(title)}\n- Ask ann: broken\n"

    reading = reading_of(written)

    assert [vendor.name for vendor in reading.vendors] == ["Delta"]
    assert [warning.where for warning in reading.warnings if warning.kind == "left_to_its_author"] == [
        f"line 4: {title}"
    ]


@each(
    "written",
    [
        "## Vendors\n\n- EPSON: operational\n  (10/12 tests)\n---\n",
        "## Vendors\n\n- EPSON: operational (10/12 tests)\n\n---\n\n*Generated at 2026-01-01*\n",
        "## Vendors\n\n- EPSON: operational (10/12 tests)\n***\n- ACME: broken (1/2 tests)\n",
    ],
)
def test_a_rule_is_no_underline(written: str) -> None:
    reading = reading_of(written)

    assert reading.vendors[0].name == "EPSON"
    assert reading.vendors[0].fields["test_results"].passing == 10
    assert reading.not_taken == []


def test_a_fence_that_never_ends_is_reported_and_nothing_is_said_to_be_compared_with_what_is_below_it() -> None:
    reading = reading_of("## Vendors\n\n- EPSON: operational\n\n```sh\nrun\n\n## Tasks\n\n- [ ] One\n")

    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [("fence_not_closed", "line 5: ```sh")]
    assert reading.not_read == {"any": ["line 5: ```sh"]}


def test_marked_code_in_a_line_opens_no_fence() -> None:
    reading = reading_of("## Tasks\n\n- [ ] Run\n\n```make all```\n\n- [ ] Two\n\n## Vendors\n\n- EPSON: operational\n")

    assert [item.fields["title"] for item in reading.items] == ["Run", "Two"]
    assert [vendor.name for vendor in reading.vendors] == ["EPSON"]


def test_code_below_a_record_is_text_of_it() -> None:
    code = "```yaml\nstatus: broken\n  tests: 1/2\n```"

    reading = reading_of(
        f"## Vendors\n\n### EPSON\n- Status: operational\n{code}\n\n## Tasks\n\n### One\n- Status: done\n{code}\n"
    )

    assert (reading.vendors[0].fields["status"], reading.vendors[0].fields["metadata"]["code"]) == ("operational", code)
    assert (reading.items[0].status, reading.items[0].fields["description"]) == ("completed", code)


@pytest.mark.parametrize(
    ("heading", "kind"), [("### Active Work Items", "items"), ("#### Future Enhancements", "enhancements")]
)
def test_a_deeper_section_of_another_kind_is_no_record_of_the_one_above(heading: str, kind: str) -> None:
    reading = reading_of(f"## Vendors\n\n- EPSON: operational\n\n{heading}\n\n- One\n")

    assert [vendor.name for vendor in reading.vendors] == ["EPSON"]
    assert [record.fields["title"] for record in getattr(reading, kind)] == ["One"]


@each(
    ("table", "found"),
    [
        ("| Alpha | operational |\n| Beta | broken |\n", {"Alpha": "operational", "Beta": "broken"}),
        ("| Vendor | Status |\n| Alpha | operational |\n", {"Alpha": "operational"}),
        (
            "+------+------+\n| Vendor | Status |\n+======+======+\n| Alpha | broken |\n+------+------+\n",
            {"Alpha": "broken"},
        ),
        (
            "| Vendor |\n|---|\n| Alpha: operational |\n| Beta \\| Co: broken |\n",
            {"Alpha": "operational", "Beta | Co": "broken"},
        ),
        ("| Vendor | Status |\n|---|---|\n| Alpha | operational | more |\n| Beta\n", {"Alpha": "operational"}),
        ("| # | Status | Vendor |\n|---|---|---|\n| 1 | ✅ | [Alpha](docs/a.md) |\n", {"Alpha": "operational"}),
        ("### Alpha\n\n| Field | Value |\n|---|---|\n| Status | broken |\n", {"Alpha": "broken"}),
        ("| Vendor | Status |\n|---|---|\n| ~~Alpha~~ | |\n| 🚧 Beta | |\n", {"Alpha": "broken", "Beta": "broken"}),
    ],
)
def test_vendors_are_found_in_every_kind_of_table(table: str, found: dict[str, str]) -> None:
    reading = reading_of(f"## Vendors\n\n{table}\n## Future Enhancements\n- Fax (P1)\n")

    statuses = {vendor.name: vendor.fields["status"] for vendor in reading.vendors if "status" in vendor.fields}
    assert statuses == found
    assert [enhancement.fields["title"] for enhancement in reading.enhancements] == ["Fax"]


@each("cells", ["operational | 12/12", "broken | v1.2", "operational | "])
def test_a_vendor_that_is_called_like_a_sum_is_one_and_a_sum_is_named_with_its_line(cells: str) -> None:
    table = "| Vendor | Status | Tests |\n|---|---|---|\n| Alpha | broken | 1/2 |\n"

    reading = reading_of(f"## Vendors\n\n{table}| Total | {cells} |\n| Grand total | 1 of 2 operational | 13/14 |\n")

    assert [vendor.name for vendor in reading.vendors] == ["Alpha", "Total"]
    assert [one.where for one in reading.warnings if one.kind == "adds_up_the_others"] == [
        "line 7: Grand total | 1 of 2 operational | 13/14"
    ]


def test_lines_in_no_list_are_records_of_their_own_and_their_fields_are_none() -> None:
    reading = reading_of(
        "## Vendors\nAlpha: operational\nTests: 5/6\nBeta: broken, 1/2\nTotal: 2 vendors\n\n"
        "## Active Work Items\n[ ] One\n[x] Two\nof two lines\n[>] Three\n"
    )

    vendors = {one.name: (one.fields["status"], one.fields["test_results"].passing) for one in reading.vendors}
    assert vendors == {"Alpha": ("operational", 5), "Beta": ("broken", 1)}
    assert {item.fields["title"]: item.status or "active" for item in reading.items} == {
        "One": "active",
        "Two": "completed",
        "Three": "blocked",
    }


def test_a_column_of_states_says_how_far_an_item_is_and_not_one_of_percents() -> None:
    reading = reading_of(
        "## Tasks\n| Title | % | State |\n|---|---|---|\n| One | 40% | blocked |\n| Two | 0% | done |\n\n"
        "## Deployments\n| Date | PR |\n|---|---|\n| 2026-01-02 10:00 UTC | #5 |\n| Total | 1 |\n"
    )

    assert {item.fields["title"]: item.status for item in reading.items} == {"One": "blocked", "Two": "completed"}
    assert [deployment.fields["pr_number"] for deployment in reading.deployments] == [5]


@each("row", ["| Total | 2 |", "| **Summe** | 13/14 |", "| Gesamt | |", "- Insgesamt: 2 von 3"])
def test_a_sum_is_no_record_of_any_section(row: str) -> None:
    sections = ("Vendors", "Active Work Items", "Future Enhancements", "In Progress")

    reading = reading_of("".join(f"## {title}\n\n{row}\n\n" for title in sections) + "## Next Steps\n- Go on\n")

    assert [record.fields["title"] for record in [*reading.items, *reading.enhancements]] == ["Go on"]
    assert [one.where.split(":")[0] for one in reading.warnings if one.kind == "adds_up_the_others"] == [
        "line 3",
        "line 7",
        "line 11",
        "line 15",
    ]


@each(
    ("heading", "plain", "empty", "ticked"),
    [
        ("🚧 In Progress / Planned", "in_progress", "in_progress", "completed"),
        ("Next steps and backlog", "active", "active", "completed"),
        ("In Review / Completed", "in_review", "in_review", "completed"),
        ("Blocked & On Hold", "blocked", "blocked", "completed"),
    ],
)
def test_a_heading_of_several_states_means_the_one_that_is_offered_least(
    heading: str, plain: str, empty: str, ticked: str
) -> None:
    reading = reading_of(f"## {heading}\n\n### Group\n- One\n- [ ] Two\n- [x] Three\n\n## Notes\n- Done\n")

    assert [(item.fields["title"], item.status or "active") for item in reading.items] == [
        ("One", plain),
        ("Two", empty),
        ("Three", ticked),
    ]


def test_boxes_below_a_heading_that_announces_no_work_are_named_with_their_number() -> None:
    reading = reading_of("## Next Steps\n- Go on\n\n## Known Issues\n- [ ] One\n- [x] Two\n```\n- [ ] Three\n```\n")

    assert [item.fields["title"] for item in reading.items] == ["Go on"]
    assert [one.where for one in reading.warnings if one.kind == "boxes_left_alone"] == ["line 4: Known Issues: 2"]


def states(written: str) -> dict[str, str]:
    return {item.fields["title"]: item.status or "active" for item in reading_of(written).items}


def test_a_list_of_work_is_found_below_a_heading_that_says_nothing_of_work() -> None:
    written = (
        "# Project Status\n\n## Overview: 85% complete\n- Fast\n\n### Completed\n#### Core\n- One\n### In Progress\n"
        "- [ ] Two\n### Architecture\n- Modules\n\n## Team\n### Next Steps\n- Three\n"
    )
    with_vendors = f"{written}\n## Links\n### Vendors\n- Alpha: operational\n### Tasks\n- Four\n"

    assert states(written) == {"One": "completed", "Two": "in_progress", "Three": "active"}
    assert states(with_vendors) == {"One": "completed", "Two": "in_progress", "Three": "active", "Four": "active"}
    assert [vendor.name for vendor in reading_of(with_vendors).vendors] == ["Alpha"]


@each(
    ("heading", "group", "status"),
    [
        ("Phases Completed", "Phase 2 ⏳ framework ready", "in_progress"),
        ("Phases Completed", "Phase 1 ✅", "completed"),
        ("Tasks", "Testing", "active"),
        ("Almost done", "Core", "in_progress"),
        ("Complete Task List", "Core", "active"),
    ],
)
def test_the_heading_nearest_to_an_item_says_how_far_it_is(heading: str, group: str, status: str) -> None:
    assert states(f"## {heading}\n### {group}\n- One\n### More\n\n## Next Steps\n- Two\n")["One"] == status


def test_testing_is_a_state_beside_other_states() -> None:
    columns = "".join(f"### {title}\n- {title} it\n" for title in ("To Do", "Testing", "Done"))

    assert states(f"## Tasks\n{columns}") == {"To Do it": "active", "Testing it": "in_review", "Done it": "completed"}


def test_a_sign_behind_the_title_does_not_complete_what_has_an_empty_box() -> None:
    reading = reading_of("## Tasks\n- [ ] Run the tests, all ✅\n- [x] Ship ✅\n- [ ] Build (done)\n")

    assert [item.status or "active" for item in reading.items] == ["active", "completed", "active"]
    assert [item.fields["metadata"]["source_status"] for item in reading.items[::2]] == ["[ ] ✅", "[ ] done"]


def test_only_a_type_of_ours_in_brackets_is_not_part_of_the_title() -> None:
    headings = "".join(f"### Login ({one})\n**Status:** done\n\n" for one in ("web", "iOS", "50% complete", "Research"))
    reading = reading_of(f"## Active Work Items\n\n{headings}")

    assert [(item.fields["title"], item.fields["item_type"]) for item in reading.items] == [
        ("Login (web)", "task"),
        ("Login (iOS)", "task"),
        ("Login (50% complete)", "task"),
        ("Login", "research"),
    ]


def test_records_of_the_same_name_are_named_as_told_apart_by_their_order() -> None:
    reading = reading_of(
        "## Tasks\n- **API** (small)\n- **API** (big) - done\n- **UI**\n\n"
        "## Future Enhancements\n- **UI** (one)\n- **UI** (two)\n"
    )

    assert [item.external_id for item in reading.items] == ["API", "API (2)", "UI"]
    assert [one.where for one in reading.warnings if one.kind == "told_apart_by_order"] == ["line 3: API", "line 8: UI"]


@each(
    ("heading", "status"),
    [
        ("✅ 已完成（2025-11-04）", "completed"),
        ("进行中", "in_progress"),
        ("En cours", "in_progress"),
        ("Terminé", "completed"),
        ("Nächste Schritte", "active"),
        ("Prochaines Étapes (recommandées)", "active"),
        ("次のステップ", "active"),
        ("보류", "blocked"),
    ],
)
def test_headings_and_states_in_other_languages_are_understood(heading: str, status: str) -> None:
    assert states(f"# Plan\n\n## {heading}\n- One\n\n## Links\n- Two\n") == {"One": status}
    assert states(f"## Tasks\n### {heading}\n- One\n") == {"One": status}


def test_a_state_in_another_language_is_understood_in_a_field_and_a_word_like_it_is_none() -> None:
    assert states("## Tasks\n### One\n**Status:** 已完成\n") == {"One": "completed"}
    with pytest.raises(Invalid, match="holds no vendors"):
        reading_of("# Plan\n\n## 完了条件\n- One\n\n## Lista\n- Two\n\n## Prüfung\n- Three\n")


def test_addresses_of_links_that_no_field_shows_and_signs_are_kept() -> None:
    reading = reading_of(
        "## Tasks\n- [ ] Fix [#12](https://a.example/12)\n\n"
        "## Vendors\n- Alpha: operational, see [docs](https://a.example/v)\n\n"
        "## Future Enhancements\n- Fax [spec](https://a.example/s)\n  - Risk: 🔴\n  - Docs: [x](https://a.example/x)\n\n"
        "## Deployments\n### 2026-01-05 10:00 UTC PR #5\n- **Approved:** ❌\n- ✅ see [log](https://a.example/l)\n"
    )

    kept = [one.fields["metadata"] for one in (*reading.items, *reading.vendors, *reading.enhancements)]
    assert [one["addresses"] for one in kept] == [[f"https://a.example/{path}"] for path in ("12", "v", "s")]
    assert (kept[2]["risk"], kept[2]["docs"]) == ("🔴", "[x](https://a.example/x)")
    metadata = reading.deployments[0].fields["metadata"]
    assert (metadata["approved"], metadata["notes"]) == ("❌", ["✅ see [log](https://a.example/l)"])


def test_a_heading_on_the_whole_is_no_item_of_a_board() -> None:
    with pytest.raises(Invalid, match="holds no vendors"):
        reading_of("# Plan\n\n## Team\n### Current Status\n- Fine\n\n---\n\n**Status**: Backend complete\n")


def test_facts_are_no_tasks_and_the_next_step_is_one() -> None:
    reading = reading_of(
        "# Project Status\n\n## Active State\n- **Status:** Complete.\n- **Milestone:** Something.\n\n"
        "## Next Actionable Step\n\nDeploy it to staging.\n\n## Successfully completed this week\n- Parser\n"
    )

    assert {item.fields["title"]: item.status for item in reading.items} == {
        "Deploy it to staging.": "active",
        "Parser": "completed",
    }
