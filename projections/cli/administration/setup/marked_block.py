"""A block of ours in a file of another owner, between two lines that mark it; all around it is the owner's."""


def with_block(text: str, block: str, first: str, last: str) -> str:
    """The text with the block: in place of the one that is there, else at its end.

    >>> with_block("a", "new", "<", ">")
    'a\\n\\n<\\nnew\\n>\\n'
    >>> with_block("a\\n\\n<\\nold\\n>\\nb\\n", "new", "<", ">")
    'a\\n\\n<\\nnew\\n>\\nb\\n'
    """
    marked = f"{first}\n{block.strip()}\n{last}\n"
    before, found, after = _parts(text, first, last)
    if found:
        return before + marked + after
    return f"{text.rstrip()}\n\n{marked}" if text.strip() else marked


def without_block(text: str, first: str, last: str) -> str:
    """
    >>> without_block("a\\n\\n<\\nold\\n>\\nb\\n", "<", ">")
    'a\\n\\nb\\n'
    """
    before, _, after = _parts(text, first, last)
    return before + after


def _parts(text: str, first: str, last: str) -> tuple[str, bool, str]:
    """What stands before the block, whether it is there, and what stands after it."""
    lines = text.splitlines(keepends=True)
    names = [line.strip() for line in lines]
    if first not in names or last not in names[names.index(first) :]:
        return text, False, ""
    begin = names.index(first)
    end = names.index(last, begin) + 1
    return "".join(lines[:begin]), True, "".join(lines[end:])
