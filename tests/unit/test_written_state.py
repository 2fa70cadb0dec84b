"""How far work is, in every way people write it: one of six categories, or not understood, with its text."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.importing.readers.words.written_state import WORDS, state_in, state_of
from tests.support.each import each

TITLES = [
    "Ship the parser",
    "Read: the manifest",
    "Fix A - B",
    "API for [x](y)",
    "Complete the tests",
    "Blocked users list",
]


@each("title", TITLES)
@each(
    ("way", "category"),
    [
        ("✅ {}", "done"),
        ("[x] {}", "done"),
        ("~~{}~~", "done"),
        ("[x] ~~{}~~", "done"),
        ("[ ] {}", "planned"),
        ("[ ] 🚧 {}", "active"),
        ("[/] {}", "active"),
        ("WIP: {}", "active"),
        ("**Blocked:** {}", "waiting"),
        ("[-] {}", "dropped"),
        ("[CANCELLED] {}", "dropped"),
        ("{} ✅", "done"),
        ("{} (done)", "done"),
        ("{} (done 2026-07-01)", "done"),
        ("{} – in progress", "active"),
        ("❌ {}", None),
        ("[~] {}", None),
        ("🚀 {}", None),
        ("✅ 🚧 {}", None),
    ],
)
def test_a_state_beside_a_title_is_taken_off_it(title: str, way: str, category: str | None) -> None:
    state, rest = state_in(way.format(title))

    assert state is not None
    assert (state.category, rest) == (category, title)


@each("title", [*TITLES, "[link](to) a page", "Fixed: crash", "[P] parallel", "→ forward", "~~old~~ new"])
def test_a_title_without_a_state_stays_as_it_is(title: str) -> None:
    assert state_in(title) == (None, title)


@given(
    st.sampled_from(sorted(WORDS)),
    st.sampled_from(["{}", "{}.", "**{}**", "{} (July)", "{}, mostly", "{} on 2026-07-01"]),
)
def test_every_word_of_the_table_is_understood_with_what_stands_beside_it(word: str, way: str) -> None:
    state = state_of(way.format(word.title()))

    assert state is not None
    assert state.category == WORDS[word]


@given(st.text(max_size=30))
def test_any_text_is_read_and_a_title_never_vanishes(text: str) -> None:
    state, rest = state_in(text)

    assert bool(rest.strip("*_ ")) or not text.strip().strip("*_ ")
    assert state is None or state.written
