"""Folders of session prompts, imported into a real PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Invalid
from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "legacy"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not beside the checkout")
WHOLE = """---
session_date: 2026-02-14
session_time: 20:08:07
schema_version: 1.10
token_budget: 200000
prompts_count: 3
status: complete
branch: 003-reader
tags: [Alpha, beta]
vendors_affected: [epson, nobody]
octal: 0755
---

# The reader, told

Rhabarber.
"""

Bring = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "prompts"
    path.mkdir()
    return path


@pytest.fixture
def bring(app: App, folder: Path) -> Bring:
    """bring({"a.md": text or bytes}) -> the report of importing a folder with these files."""

    def run(files: dict[str, str | bytes], **more: Any) -> dict[str, Any]:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ImportRequest(source="prompts", path=folder, **more).run(app)

    return run


def session(perform: Perform, name: str) -> dict[str, Any]:
    listed = perform("list_work_items", item_type="session", limit=100, detail=True)["items"]
    found: dict[str, Any] = next(item for item in listed if item["external_id"] == name)
    return found


def not_taken(report: dict[str, Any]) -> dict[str, list[str]]:
    return {entry["kind"]: entry["where"] for entry in report["not_taken"]}


def test_front_matter_becomes_fields_and_stays_whole(bring: Bring, perform: Perform) -> None:
    vendor = perform("create_vendor", name="EPSON")["id"]

    report = bring({"sub/one.md": WHOLE})

    held = session(perform, "sub/one.md")
    assert (report["success"], report["taken"]) == (True, 1)
    assert (held["title"], held["status"], held["branch_name"]) == ("The reader, told", "completed", "003-reader")
    assert (held["created_at"], held["tags"]) == ("2026-02-14T20:08:07.000000Z", ["alpha", "beta"])
    metadata = held["metadata"]
    assert (metadata["token_budget"], metadata["prompts_count"], metadata["prompt_path"]) == (200000, 3, "sub/one.md")
    assert (metadata["source_status"], metadata["vendor_ids"]) == ("complete", [vendor])
    front = metadata["yaml_frontmatter"]
    assert (front["session_time"], front["schema_version"], front["octal"]) == ("20:08:07", "1.10", "0755")
    assert front["session_date"] == "2026-02-14"


def test_the_body_is_found_by_its_words(bring: Bring, perform: Perform) -> None:
    bring({"one.md": WHOLE})

    found = perform("list_work_items", text="rhabarber")["items"]
    assert [item["title"] for item in found] == ["The reader, told"]


def test_bold_header_lines_stand_in_for_front_matter(bring: Bring, perform: Perform) -> None:
    bring(
        {"h.md": "# Handoff\n\n**Date**: November 2, 2025 @ 11:38 AM PST | **Branch:** `feat/x`\n\n---\n\n**No**: x\n"}
    )

    held = session(perform, "h.md")
    assert (held["title"], held["branch_name"]) == ("Handoff", "feat/x")
    assert held["created_at"] == "2025-11-02T19:38:00.000000Z"
    assert held["metadata"]["header"] == {"date": "November 2, 2025 @ 11:38 AM PST", "branch": "feat/x"}
    assert "yaml_frontmatter" not in held["metadata"]


@pytest.mark.parametrize(
    ("content", "kind", "where"),
    [
        ("---\na: &x [1]\nb: *x\n---\n", "broken_front_matter", "odd.md, line 3: "),
        ("---\na: [1\n---\n", "broken_front_matter", "odd.md, line 3: "),
        ("---\na: 1\n", "broken_front_matter", "odd.md, line 1: "),
        (b"caf\xe9", "cannot_be_read", "odd.md: line 1 is not UTF-8"),
        (b"\0", "cannot_be_read", "odd.md: line 1 holds binary zeros"),
        ("", "empty", "odd.md"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_and_the_others_are_taken(
    bring: Bring, content: str | bytes, kind: str, where: str
) -> None:
    report = bring({"odd.md": content, "one.md": WHOLE})

    assert (report["found"], report["taken"], report["success"]) == (2, 1, True)
    assert not_taken(report)[kind][0].startswith(where)


def test_links_are_not_followed_out_of_the_folder_nor_in_circles(bring: Bring, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (folder / "out.md").symlink_to("../secret.md")
    (folder / "loop").symlink_to(".")
    (folder / "self.md").symlink_to("self.md")
    (folder / "twin.md").symlink_to("one.md")

    report = bring({"one.md": WHOLE, "picture.png": b"\x89PNG"})

    assert report["taken"] == 1
    assert not_taken(report) == {
        "path_leaves_the_folder": ["out.md"],
        "link_to_a_folder": ["loop"],
        "link_to_nothing": ["self.md"],
        "link_to_another_file": ["twin.md"],
    }
    assert report["nothing_to_record"] == [{"kind": "no_markdown", "count": 1, "where": ["picture.png"]}]


@pytest.mark.processes
def test_a_changed_file_is_a_revision_and_an_unchanged_one_nothing(bring: Bring, app: App, perform: Perform) -> None:
    files: dict[str, str | bytes] = {"one.md": WHOLE, "two.md": "# Two\n"}
    bring(files)

    unchanged, changed = bring(files), bring(files | {"two.md": "# Two\n\nMore.\n"})

    assert (unchanged["events"], changed["events"], changed["created"]) == (0, 1, 0)
    assert list(app.store.read_all())[-1].type == "WorkItemRevised"
    assert session(perform, "two.md")["metadata"]["body"] == "# Two\n\nMore.\n"


@pytest.mark.processes
def test_of_a_very_long_body_the_beginning_is_kept_with_a_warning(bring: Bring, perform: Perform) -> None:
    report = bring({"long.md": "# Long\n" + "word " * 300_000})

    assert len(session(perform, "long.md")["metadata"]["body"]) == 2**20
    assert "longer_than_the_limit" in {warning["kind"] for warning in report["warnings"]}


def test_a_folder_without_markdown_is_refused(app: App, folder: Path) -> None:
    with pytest.raises(Invalid, match="no markdown"):
        ImportRequest(source="prompts", path=folder).run(app)


@needs_samples
def test_every_sample_becomes_a_session(app: App, perform: Perform) -> None:
    report = ImportRequest(source="prompts", path=SAMPLES).run(app)

    files = {path.name for path in SAMPLES.iterdir()}
    listed = perform("list_work_items", item_type="session", limit=100, detail=True)["items"]
    assert {item["metadata"]["prompt_path"] for item in listed} == files
    assert (report["success"], report["found"], report["not_taken"]) == (True, len(files), [])
    assert session(perform, "05-session-frontmatter-summary-a.md")["created_at"] == "2026-02-14T20:08:07.000000Z"
