"""Boxes in the description of an item: which there are, how they are shown, and what a form ticks."""

from mcp_adapter.console.templates import MARKDOWN, markdown
from mcp_adapter.console.ticks import boxes, ticked
from tests.support.each import each

SHOWN = ["0:Read", "0:Write"]


def tick(text: str, *wanted: str) -> str:
    return ticked(MARKDOWN, text, SHOWN, wanted)


def test_a_form_ticks_what_it_shows_and_leaves_what_was_added_since_as_it_is() -> None:
    text = "Words\n\n- [x] Added\n- [ ] Read\n1. [X] Write\n   more of it\n"

    assert tick(text, "0:Read") == "Words\n\n- [x] Added\n- [x] Read\n1. [ ] Write\n   more of it\n"


@each(
    "text",
    [
        "```\n- [ ] Read\n```",
        "[ ] Read",
        "- [ ]Read",
        "- [x] Read\n\n[x]: https://example.org",
        "    - [ ] Read",
        "- `[ ] Read`",
    ],
)
def test_what_is_no_box_is_left_alone(text: str) -> None:
    assert boxes(MARKDOWN, text) == []
    assert tick(text, "0:Read") == text
    assert "checkbox" not in markdown(text)


@each("end", ["\n", "\r\n", "\r"])
def test_the_line_of_a_box_is_found_under_all_ends_of_lines(end: str) -> None:
    text = f"One\x0b\u2028two\x85{end}{end}- [ ] Read{end}  - [ ] Write"

    assert tick(text, "0:Write") == f"One\x0b\u2028two\x85{end}{end}- [ ] Read{end}  - [x] Write"


def test_boxes_of_the_same_words_are_told_apart() -> None:
    assert [box.key for box in boxes(MARKDOWN, "- [ ] Read\n- [ ] Read")] == ["0:Read", "1:Read"]


def test_words_of_a_box_are_text_in_its_field_too() -> None:
    shown = markdown('- [ ] "><script>alert(1)</script> **so**', is_form=True)

    assert "<script>" not in shown
    assert 'value="0:&quot;&gt;&lt;script&gt;' in shown
    assert "<strong>so</strong></span></label>" in shown
