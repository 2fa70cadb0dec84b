"""Backlog.md bodies: what is structure, what is text, and that no byte of a text changes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.importing.readers.backlog import tasks
from ledger.importing.readers.backlog.body import CHECKLISTS, MARKS, TEXTS, Body, body_of
from ledger.importing.readers.text.code_fences import fenced
from ledger.values.moment import parse
from tests.support.each import each
from tests.support.examples import examples

NOW = parse("2026-11-22T12:00:00Z")
EXAMPLE = "## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [ ] #1 an example only\n<!-- AC:END -->"
PIECES = [
    "plain words",
    "a hard break  ",
    "\ttabs\t",
    "",
    "### Acceptance Criteria",
    "## Context",
    "- [ ] a box",
    "    <!-- AC:BEGIN -->",
    f"```md\n{EXAMPLE}\n```",
    f"~~~~\n~~~\n{EXAMPLE}\n```\n~~~~",
    "````\n```\n## Description\n```\n````",
    "- item\n  ```sh\n  # no heading\n  ```",
    "~~~ js\n<!-- SECTION:DESCRIPTION:END -->\n<!-- SECTION:NOTES:BEGIN -->\n~~~",
]

pieces = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("\n".join)
texts = st.tuples(st.sampled_from(["start", "  indented"]), pieces).map("\n".join).map(lambda text: f"{text}\nend")
entries = st.lists(st.tuples(st.booleans(), st.sampled_from(["one", "two words", "`<!-- AC:END -->`", "#7 odd"])))
titles = st.sampled_from(["{}", "{} ##", "{}   "])


def heading(name: str) -> str:
    return f"## {name.title()}"


def marked(name: str, content: str, end: str = "END") -> str:
    prefix = "SECTION:" if name in TEXTS else ""
    closing = f"\n<!-- {prefix}{MARKS[name]}:{end} -->" if end else ""
    return f"{heading(name)}\n\n<!-- {prefix}{MARKS[name]}:BEGIN -->\n{content}{closing}"


def checklist(found: list[tuple[bool, str]]) -> str:
    return "\n".join(f"- [{'x' if checked else ' '}] #{at} {text}" for at, (checked, text) in enumerate(found, 1))


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, Body]:
    """A body in one of the ways that people and programs write it, and what it says."""
    written, body = [], Body()
    for name in draw(st.lists(st.sampled_from([*TEXTS, *CHECKLISTS]), unique=True)):
        if name in CHECKLISTS:
            body.checklists[name] = draw(entries)
            content = checklist(body.checklists[name])
        else:
            body.texts[name] = content = draw(texts)
        form = draw(st.sampled_from(["marked", "plain", "no end"]))
        plain, end = f"{heading(name)}\n\n{content}", "END" if form == "marked" else ""
        written.append(plain if form == "plain" else marked(name, content, end))
        body.unpaired += [name] if form == "no end" else []
    return "\n\n".join(written), body


def said(body: Body) -> dict[str, Any]:
    return {
        "texts": body.texts,
        "checklists": body.checklists,
        "before": body.before,
        "more": body.more,
        "unpaired": body.unpaired,
    }


@examples(300)
@given(bodies(), st.booleans())
def test_every_section_of_a_body_is_read_as_it_was_written(case: tuple[str, Body], windows: bool) -> None:
    written, expected = case
    if windows:
        written = written.replace("\n", "\r\n")
        expected.texts = {name: text.replace("\n", "\r\n") for name, text in expected.texts.items()}

    assert said(body_of(written)) == said(expected)


def test_a_missing_end_ends_at_the_next_known_heading() -> None:
    written = (
        "## Description\n\n<!-- SECTION:DESCRIPTION:BEGIN -->\nLost end.\n\n"
        "## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [ ] #1 first\n- [x] #2 second\n\n"
        "## Implementation Notes\n\nnotes\n"
    )

    body = body_of(written)

    assert body.texts == {"description": "Lost end.", "implementation notes": "notes"}
    assert body.checklists == {"acceptance criteria": [(False, "first"), (True, "second")]}
    assert body.unpaired == ["description", "acceptance criteria"]


def test_an_end_of_another_occurrence_does_not_close_the_first() -> None:
    written = (
        f"{marked('description', 'one', '')}\n\n{heading('final summary')}\ndone\n\n{marked('description', 'two')}"
    )

    body = body_of(written)

    assert body.texts == {"description": "one\n\ntwo", "final summary": "done"}


def test_criteria_within_the_marks_of_a_text_are_criteria_and_the_text_keeps_them() -> None:
    inner = marked("acceptance criteria", checklist([(True, "first"), (False, "second")]))

    body = body_of(marked("description", f"Why.\n\n{inner}"))

    assert body.checklists == {"acceptance criteria": [(True, "first"), (False, "second")]}
    assert body.texts == {"description": f"Why.\n\n{inner}"}


@pytest.mark.parametrize("outer", [True, False])
def test_nested_criteria_without_marks_count_where_there_are_no_others(outer: bool) -> None:
    nested = marked("description", f"Why.\n\n{heading('acceptance criteria')}\n- [ ] nested")
    own = f"\n\n{marked('acceptance criteria', '- [x] #1 own')}" if outer else ""

    body = body_of(nested + own)

    assert body.checklists == {"acceptance criteria": [(True, "own")] if outer else [(False, "nested")]}


def test_text_outside_of_the_marks_is_kept_beside_the_text() -> None:
    body = body_of(f"{marked('description', 'Within.')}\n\n## Context\nMore.\n")

    assert (body.texts, body.more) == ({"description": "Within."}, {"description": "## Context\nMore."})


def test_an_example_in_a_fence_is_text_in_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    head = "---\nid: TASK-1\ntitle: T\nstatus: To Do\ncreated_date: '2026-03-01 10:00'\n---\n"
    text = f"See:  \n\n```md\n{EXAMPLE}\n```\n\ntail"
    (tmp_path / "tasks/task-1 - T.md").write_bytes(f"{head}## Description\n\n{text}\n".replace("\n", "\r\n").encode())

    reading = tasks.read(tmp_path, str, NOW)

    assert reading.items[0].fields["description"] == text.replace("\n", "\r\n")
    assert "acceptance" not in reading.items[0].fields["metadata"]
    assert reading.warnings == []


@each(
    ("lines", "expected"),
    [
        ("```\na\n```\nb", "1110"),
        ("```\na\n``\n~~~\n````\nb", "111110"),
        ("~~~\n```\n~~~\n```", "1110"),
        ("``` a`b ```\nc\n```", "000"),
        ("````\n```\na", "000"),
        ("   ```\na\n\t```  \nb", "1110"),
    ],
)
def test_a_fence_is_closed_by_its_own_sign_at_least_as_long(lines: str, expected: str) -> None:
    assert "".join(str(int(inside)) for inside in fenced(lines.split("\n"))) == expected
