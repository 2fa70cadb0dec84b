"""The words of an ASCII text are cut in a way of their own: the same words."""

import re

from hypothesis import given
from hypothesis import strategies as st

from projections.read_models.search_terms import LONGEST, TEXT, search_terms
from tests.support.examples import examples


@examples(60)
@given(st.text(st.characters(max_codepoint=127), max_size=90))
def test_the_words_of_an_ascii_text_are_what_unicode_calls_letters_and_digits(text: str) -> None:
    words = dict.fromkeys(word[:LONGEST] for word in re.findall(r"[^\W_]+", text.lower()))

    assert search_terms({TEXT: (text,)}) == " ".join(f"'{word}':{TEXT}" for word in words)
