"""Characters that show nothing themselves and change how a text is shown, written as words: `\\x1b`, `\\u202e`."""

import re

# C0 and C1 controls, line and paragraph separators, and the marks that turn the direction of writing
_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# What a browser sends back: a text that came with a control character must not come back without it
_SENT = r'<textarea\b.*?</textarea>|<option\b.*?</option>|\svalue="[^"]*"'
_SENT_OR_UNSEEN = re.compile(rf"({_SENT})|{_IN_LINES.pattern}", re.DOTALL)


def visible_in_line(text: str) -> str:
    """
    >>> visible_in_line("red \\x1b[31m, two\\nlines")
    'red \\\\x1b[31m, two\\\\nlines'
    """
    return _IN_LINE.sub(_name, text)


def visible_in_lines(text: str) -> str:
    """The same of a text whose line ends and tabs stay.

    >>> visible_in_lines("red \\x1b[31m, two\\nlines")
    'red \\\\x1b[31m, two\\nlines'
    """
    return _IN_LINES.sub(_name, text)


def visible_in_page(html: str) -> str:
    """The same of a whole page whose values are escaped, but for what its forms send back, which stays as it is.

    >>> visible_in_page('<p>red \\x1b</p><input value="red \\x1b">')
    '<p>red \\\\x1b</p><input value="red \\x1b">'
    """
    if _IN_LINES.search(html) is None:
        return html
    return _SENT_OR_UNSEEN.sub(lambda found: found[1] or _name(found), html)


def _name(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
