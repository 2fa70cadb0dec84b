"""Texts of a ledger as Markdown, and back: whatever a text holds, it stays in its place, marks nothing up, and can be
read again without loss.

Three things are ours and can never come from a text: a marker (`<` is always `&lt;`), `*unknown*` (`*` is always
`\\*`) and a character reference (`&` is always `\\&`), which stands for what would leave the line or turn it around.
"""

import re

UNKNOWN = "*unknown*"

# C0 and C1 controls, line and paragraph separators, marks that turn the direction of writing; a blank at either end
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|^ | $")
_SPECIAL = re.compile(r"[\\`*\[|~&]|(?<!\w)_|_(?!\w)|^#")
_SAID = re.compile(r"\\([!-/:-@\[-`{-~])|&lt;|&#(\d+);")
_REFERENCE = re.compile(r"(\\.)|&#(\d+);")
_BACKTICKS = re.compile("`+")

# What `inline` writes, as patterns that end within no escape: any text, and one whose separators are escaped too
TEXT = r"(?:\\.|&[^;]*;|[^\\&])*"
LISTED = r"(?:\\.|&[^;]*;|[^\\&;])*"
ENTRY = r"(?:\\.|&[^;]*;|[^\\&,;])*"
NAMED = r"(?:\\.|&[^;]*;|[^\\&:])*"


def inline(value: object, also: str = "") -> str:
    """A text within a line of Markdown. `also` are characters to escape besides, which separate what stands there.

    >>> inline("a | b\\n# `c` <!-- d -->")
    'a \\\\| b&#10;# \\\\`c\\\\` &lt;!-- d -->'
    """
    text = _SPECIAL.sub(_escaped, str(value))
    for letter in also:
        text = text.replace(letter, f"\\{letter}")
    return _UNSEEN.sub(_referred, text.replace("<", "&lt;"))


def one_line(value: object) -> str:
    """A text without what `inline` would have to write as a reference.

    >>> one_line("a\\r\\nb ")
    'a b'
    """
    return " ".join(_UNSEEN.sub(" ", str(value)).split())


def unescaped(text: str) -> str:
    """The text that `inline` was given.

    >>> unescaped(inline(" a \\\\| b\\n# `c` <!-- d --> ", ";")), unescaped(inline("1) [x]; \\\\&#10;", ";"))
    (' a \\\\| b\\n# `c` <!-- d --> ', '1) [x]; \\\\&#10;')
    """
    return _SAID.sub(lambda found: found[1] or (chr(int(found[2])) if found[2] else "<"), text)


def code(value: object) -> str:
    """A text as a code span, whatever backticks it holds; as `inline` if it cannot stand in one.

    >>> code("feature/a"), code("a`b"), code("a\\nb")
    ('`feature/a`', '``a`b``', 'a&#10;b')
    """
    text = str(value)
    if not text or _UNSEEN.search(text.strip(" ")):
        return inline(text)
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    padding = " " if "`" in (text[0], text[-1]) or (text.strip(" ") and text[0] == text[-1] == " ") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def coded(text: str) -> str:
    """The text that `code` was given.

    >>> [coded(code(text)) for text in ("feature/a", "`a", "a\\nb", " a ", " ")]
    ['feature/a', '`a', 'a\\nb', ' a ', ' ']
    """
    if not text.startswith("`"):
        return unescaped(text)
    inside = text.strip("`")
    padded = inside[:1] == inside[-1:] == " " and inside.strip(" ")
    return inside[1:-1] if padded else inside


def visible(markdown: str, shown: str = "\\\\u{:04x}") -> str:
    """The Markdown with every character reference as words, for a terminal that must not obey what it stands for."""
    return _REFERENCE.sub(lambda found: found[1] or shown.format(int(found[2])), markdown)


def moment(value: str | None) -> str:
    """A time of the ledger, to the second.

    >>> moment("2026-11-22T15:00:00.123456Z"), moment(None)
    ('2026-11-22 15:00:00 UTC', '*unknown*')
    """
    return f"{inline(value[:19].replace('T', ' '))} UTC" if value else UNKNOWN


def moment_of(text: str) -> str | None:
    """
    >>> moment_of("2026-11-22 15:00:00 UTC")
    '2026-11-22T15:00:00.000000Z'
    """
    return None if text == UNKNOWN else f"{text[:10]}T{text[11:19]}.000000Z"


def yes_no(value: bool | None) -> str:
    return UNKNOWN if value is None else "yes" if value else "no"


def _escaped(found: re.Match[str]) -> str:
    return f"{found[0][:-1]}\\{found[0][-1]}"


def _referred(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
