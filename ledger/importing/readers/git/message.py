"""What one commit message says: a pull request, a deployment, a branch, issues, vendors, test counts.

Only what is written is taken; nothing is guessed from what is missing. Every expression takes time in proportion to the
message, whatever stands in it.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

LARGEST_NUMBER = 2**31 - 1  # of a pull request or an issue, as the ledger keeps them
ENVIRONMENTS = frozenset({"prod", "production", "stage", "staging", "dev", "development", "test", "testing", "qa"})
YES = frozenset({"yes", "true", "pass", "passed", "compliant", "✅", "✓", "✔", "✔️"})
NO = frozenset({"no", "false", "fail", "failed", "non-compliant", "❌", "✗", "✘", "✖", "✖️"})
PREFIXES = frozenset({"feature", "feat", "bugfix", "fix"})

_MERGED_PULL = re.compile(r"Merge pull request #(\d+) from (\S+)")
_MERGED_ELSEWHERE = (  # as Bitbucket's cloud and server, Gitea and Azure DevOps write it
    re.compile(r"Merged in (?P<branch>\S+) \(pull request #(?P<pull>\d+)\)"),
    re.compile(r"Merge pull request #(?P<pull>\d+) in \S+ from (?P<branch>\S+) to (?P<into>\S+)"),
    re.compile(r"Merge pull request '(?P<title>.+)' \(#(?P<pull>\d+)\) from (?P<branch>\S+) into (?P<into>\S+)"),
    re.compile(r"Merged PR (?P<pull>\d+): (?P<title>.+)"),
)
_MERGE_REQUEST = re.compile(r"^See merge request \S*!(\d+)[ \t]*$", re.MULTILINE)  # the end of GitLab's message
_MERGED_BRANCH = re.compile(r"Merge (?:remote-tracking )?branch '([^']+)'(?! of )(?: into '?([^' ]+)'?)?")
_MERGED_INTO = re.compile(r"Merge (\S+) into (\S+)$")
_NUMBERED_END = re.compile(r"(?:PR )?#(\d+)")
_TITLED = re.compile(r"PR #(\d+):\s*(.*)", re.IGNORECASE)
_CONVENTIONAL = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,49})(?:\(([^()]{1,200})\))?(!)?: +\S")
_DEPLOYED = re.compile(r"(deploy|deployment)(?:\(([^()]{0,200})\))?!?:\s*(.*)", re.IGNORECASE)
_REVERTED = re.compile(r"This reverts commit ([0-9a-f]{7,40})\b")
_WORK_BRANCH = re.compile(r"(?:(?P<prefix>feature|feat|bugfix|fix)/|(?P<number>\d{1,9})-(?=[^\W\d]))(?P<name>\S+)")
_NUMBERS = r"(?P<{}>(?:#|gh-)\d+(?!\w)(?:(?:,? and|,)[ \t]?(?:#|gh-)\d+(?!\w))*)"
_NOUN = r"(?:task|issue|ticket|bug)s?"
_ISSUES = re.compile(
    r"\b(?:(?P<closing>clos(?:es?|ed)|fix(?:es|ed)?|resolv(?:es?|ed))|refs?|references?|see|relate[sd]?(?: to)?|part of"
    r"|address(?:es|ed)?|implement(?:s|ed)?|depends on)"
    rf":?[ \t]{{1,3}}(?P<noun>{_NOUN}[ \t]{{1,3}})?{_NUMBERS.format('of')}"
    rf"|\b{_NOUN}[ \t]{{1,3}}{_NUMBERS.format('named')}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:#|gh-)(\d+)", re.IGNORECASE)
_BEFORE_POINT = re.compile(r"(?:\d{1,3}[.)]|[^\w\n]){0,9}(?:\w{1,20}[ \t]){0,3}")  # of a line that is a point of a list
_AFTER_POINT = re.compile(r"[*_`]{0,3}[ \t]{0,3}[:.)–—-]")
_VENDOR = re.compile(r"^[ \t]*(?:[-*][ \t]+)?vendor\(([^()\n]{0,300})\)!?:[ \t]*(.*)$", re.MULTILINE | re.IGNORECASE)
_STATUS = re.compile(r"(operational|broken)\b", re.IGNORECASE)
_VERSION = re.compile(r"\bversion:?[ \t]{1,3}v?(\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.-]{1,30})?)", re.IGNORECASE)
_TESTS = re.compile(
    r"(?<![\d/.])(\d{1,9})[ \t]?/[ \t]?(\d{1,9})[ \t]{1,3}tests?[ \t]{1,3}pass(?:ing|ed)?\b", re.IGNORECASE
)
_COMPLIANCE = re.compile(
    r"(?:^[ \t*_>-]{0,9}|\bconstitutional(?:ly)?[ _-])complian(?:ce|t)[*_]{0,2}[ \t]{0,3}"
    r"[:=][ \t*_]{0,9}([^\s*_;,.)]+)",
    re.MULTILINE | re.IGNORECASE,
)


class IssueNamed(Struct, frozen=True, kw_only=True):
    """`certain`: the text calls it an issue or a task; else the number may also be a pull request's."""

    number: int
    closing: bool
    certain: bool


class VendorNamed(Struct, frozen=True, kw_only=True):
    """What the text says of a vendor; None where it says nothing."""

    name: str
    status: str | None = None
    version: str | None = None
    tests: tuple[int, int] | None = None  # passing, of how many


class ParsedMessage(Struct, kw_only=True):
    """`form` is how the message announces a deployment: merge, squash, titled or deploy; None when it announces none.

    `branch` is the one that was merged, `owner` whose fork it lay in, `into` what it was merged into. `doubts` are
    kinds of what could not be taken as it stands.
    """

    form: str | None = None
    pull: int | None = None
    title: str | None = None
    owner: str | None = None
    branch: str | None = None
    into: str | None = None
    commit_type: str | None = None
    scope: str | None = None
    breaking: bool = False
    environment: str | None = None
    tests: tuple[int, int] | None = None
    compliant: bool | None = None
    version: str | None = None
    issues: tuple[IssueNamed, ...] = ()
    vendors: tuple[VendorNamed, ...] = ()
    reverts: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def parsed(message: str, *, merge: bool = False) -> ParsedMessage:
    """`merge`: the commit has more than one parent, so that `Merge a into b` is no ordinary sentence."""
    subject, _, body = message.strip().partition("\n")
    subject = subject.strip()
    result = ParsedMessage()
    _announcement(subject, body, result)
    if result.form is None:
        _announced_elsewhere(subject, body, "merge" if merge else "squash", result)
    if result.form in (None, "squash") and subject.startswith("Merge "):
        _merged(result.title or subject, merge, result)
    _conventional(result.title if result.form else subject, result)
    lowered = message.lower()
    if "#" in message or "gh-" in lowered:
        result.issues = tuple(_issues(message, result))
    if "vendor(" in lowered:
        _vendors(message, result)
    if "This reverts commit" in message:
        result.reverts = tuple(_REVERTED.findall(message))
    if result.form:
        _measured(_VENDOR.sub("", message) if result.vendors else message, result)
        if "complian" in lowered:
            result.compliant = _compliant(message)
    return result


def work_branch(name: str) -> tuple[str, str] | None:
    """Kind and name of a branch that is one person's piece of work; None for others.

    >>> work_branch("feature/full-text-search"), work_branch("012-invoices"), work_branch("main")
    (('feature', 'full-text-search'), ('012', 'invoices'), None)
    """
    match = _WORK_BRANCH.fullmatch(name)
    if match is None:
        return None
    kind = match["number"] or ("fix" if "fix" in match["prefix"] else "feature")
    return kind, match["name"]


def _announcement(subject: str, body: str, result: ParsedMessage) -> None:
    if match := _MERGED_PULL.match(subject):
        result.form = "merge"
        _number(match[1], result)
        _head(match[2], result)
        result.title = _first_line(body)
    elif match := _TITLED.fullmatch(subject):
        result.form, result.title = "titled", _without_number(match[2], None)
        _number(match[1], result)
    else:
        title = _without_number(subject, result)
        if match := _DEPLOYED.fullmatch(title):
            result.form, result.commit_type, result.scope = "deploy", match[1].lower(), match[2] or None
            title = match[3].strip()
            if result.scope and result.scope.lower() in ENVIRONMENTS:
                result.environment = result.scope.lower()
        elif title is not subject:
            result.form = "squash"
        if result.form:
            result.title = title or None


def _announced_elsewhere(subject: str, body: str, form: str, result: ParsedMessage) -> None:
    match = next((found for pattern in _MERGED_ELSEWHERE if (found := pattern.fullmatch(subject))), None)
    request = _MERGE_REQUEST.search(body) if match is None else None
    if match is not None:
        groups = match.groupdict()
        _number(match["pull"], result)
        result.title = groups.get("title") or _first_line(body)
        result.branch, result.into = groups.get("branch"), groups.get("into")
    elif request is not None:
        _number(request[1], result)
        is_merge = subject.startswith("Merge branch ")
        result.title = _first_line(_MERGE_REQUEST.sub("", body)) if is_merge else subject
        if is_merge:
            _merged(subject, True, result)
    if result.pull is not None:
        result.form = form


def _first_line(body: str) -> str | None:
    return next((line.strip() for line in body.splitlines() if line.strip()), None)


def _without_number(subject: str, result: ParsedMessage | None) -> str:
    """The subject without a pull request's number at its end; the very same text when it has none."""
    start = subject.rfind("(") if subject.endswith(")") else -1
    match = _NUMBERED_END.fullmatch(subject, start + 1, len(subject) - 1) if start >= 0 else None
    if match is None:
        return subject
    if result is not None:
        _number(match[1], result)
    return subject[:start].rstrip()


def _number(digits: str, result: ParsedMessage) -> None:
    number = int(digits) if len(digits) <= 10 else LARGEST_NUMBER + 1
    if 1 <= number <= LARGEST_NUMBER:
        result.pull = number
    else:
        result.doubts += ("number_out_of_range",)


def _head(head: str, result: ParsedMessage) -> None:
    """`owner/branch`, as the merge names it; a work branch may also stand there without an owner."""
    owner, _, branch = head.partition("/")
    if owner in PREFIXES and work_branch(branch) is None:
        owner, branch = "", head
    result.owner, result.branch = owner or None, branch or None


def _merged(subject: str, merge: bool, result: ParsedMessage) -> None:
    match = _MERGED_BRANCH.match(subject) or (_MERGED_INTO.match(subject) if merge else None)
    if match is None:
        return
    result.branch, result.into = match[1], match[2]
    if subject.startswith("Merge remote-tracking"):
        result.branch = result.branch.partition("/")[2]
    if result.branch == result.into:
        result.branch = None  # a pull of the branch into itself


def _conventional(title: str | None, result: ParsedMessage) -> None:
    match = _CONVENTIONAL.match(title) if title and result.form != "deploy" else None
    if match and match[1].lower() != "pr":
        result.commit_type, result.scope, result.breaking = match[1].lower(), match[2], match[3] is not None


def _issues(message: str, result: ParsedMessage) -> Iterator[IssueNamed]:
    """Every number once: closed if the message closes it anywhere. What numbers the points of a list is no issue."""
    found: dict[int, IssueNamed] = {}
    matches = list(_ISSUES.finditer(message))
    points = [match for match in matches if _is_point(message, match)]
    if len(points) > 1 and [_digits(match) for match in points] == [[str(n + 1)] for n in range(len(points))]:
        matches = [match for match in matches if match not in points]
        result.doubts += ("numbers_of_a_list",)
    for match in matches:
        closing, certain = match["closing"] is not None, match["noun"] is not None or match["named"] is not None
        for digits in _digits(match):
            number = int(digits) if len(digits) <= 10 else 0
            if not 1 <= number <= LARGEST_NUMBER:
                result.doubts += ("number_out_of_range",)
                continue
            before = found.get(number)
            found[number] = IssueNamed(
                number=number,
                closing=closing or (before is not None and before.closing),
                certain=certain or (before is not None and before.certain),
            )
    yield from found.values()


def _digits(match: re.Match[str]) -> list[str]:
    return _NUMBER.findall(match["of"] or match["named"])


def _is_point(message: str, match: re.Match[str]) -> bool:
    """Whether the number stands at the head of a line, as in `Fix Issue #1: the pool`."""
    start = message.rfind("\n", 0, match.start()) + 1
    begins = _BEFORE_POINT.fullmatch(message, start, match.start()) is not None
    return begins and _AFTER_POINT.match(message, match.end()) is not None


def _vendors(message: str, result: ParsedMessage) -> None:
    """What stands on a vendor's line is the vendor's; what stands elsewhere too, if only one vendor is named."""
    lines = list(_VENDOR.finditer(message))
    alone = message if result.form is None and len({line[1].strip().casefold() for line in lines}) == 1 else ""
    for line in lines:
        status = _STATUS.match(line[2])
        version, tests = (
            _VERSION.search(line[2]) or _VERSION.search(alone),
            _tests(line[2], result) or _tests(alone, result),
        )
        if status or version or tests:
            result.vendors += (
                VendorNamed(
                    name=line[1].strip(),
                    status=status[1].lower() if status else None,
                    version=version[1] if version else None,
                    tests=tests,
                ),
            )


def _measured(message: str, result: ParsedMessage) -> None:
    result.tests = _tests(message, result)
    if version := _VERSION.search(message):
        result.version = version[1]


def _tests(text: str, result: ParsedMessage) -> tuple[int, int] | None:
    """The first count that is written; one of more passing than there are is no count."""
    counts = [(int(passing), int(total)) for passing, total in _TESTS.findall(text)] if "test" in text.lower() else []
    if any(passing > total for passing, total in counts):
        result.doubts += ("test_count_impossible",)
    possible = list(dict.fromkeys(count for count in counts if count[0] <= count[1]))
    if len(possible) > 1:
        result.doubts += ("several_test_counts",)
    return possible[0] if possible else None


def _compliant(message: str) -> bool | None:
    """None when it is not stated, or not in words that are understood, or both ways."""
    words = {word.lower() for word in _COMPLIANCE.findall(message)}
    stated = {word in YES for word in words if word in YES | NO}
    return stated.pop() if len(stated) == 1 else None
