"""What changed, in the words of the commands that are read."""

from projections.cli.terminal.wording import changed
from tests.support.each import each

LONG = "the same words for a while, " * 4


@each(
    ("old", "new", "said"),
    [
        ("2026-05-10T10:00:21.000000Z", "2026-05-10T10:01:00.000000Z", "10:00 UTC -> 2026-05-10 10:01 UTC"),
        ("2026-05-10T10:00:21.000000Z", "2026-05-10T10:00:40.000000Z", "10:00:21 UTC -> 2026-05-10 10:00:40 UTC"),
        ("2026-05-10T10:00:21.000000Z", "2026-05-10T10:00:21.050000Z", "10:00:21 UTC -> 2026-05-10 10:00:21.05 UTC"),
        ("2026-05-10T10:00:20Z", "2026-05-10T10:00:21Z", "10:00:20 UTC -> 2026-05-10 10:00:21 UTC"),
        (f"{LONG}left", f"{LONG}right", "... words for a while, left -> ... words for a while, right"),
        ("# Title\n\nleft", "# Title\n\nright", "... left -> ... right"),
        (
            {"updated": "2026-05-10T10:00:21Z"},
            {"updated": "2026-05-10T10:00:22Z"},
            "10:00:21 UTC -> updated",
        ),
        ("Do it", "Do it ", '"Do it" -> "Do it "'),
    ],
)
def test_two_values_that_are_shortened_alike_are_shown_where_they_differ(old: object, new: object, said: str) -> None:
    assert said in changed([{"field": "metadata.value", "old": old, "new": new}], {})


def test_of_two_claims_with_another_token_the_token_is_not_shown() -> None:
    claims = [{"by": "ann", "until": "2026-05-10T10:00:21Z", "token_digest": digest} for digest in ("a1", "b2")]

    said = changed([{"field": "claim", "old": claims[0], "new": claims[1]}], {})

    assert said == "claim by ann, until 2026-05-10 10:00 UTC -> by ann, until 2026-05-10 10:00 UTC"
