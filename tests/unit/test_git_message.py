"""What one commit message says, form by form; and that no message takes long."""

import pytest

from ledger.importing.readers.git.message import IssueNamed, VendorNamed, parsed, work_branch
from tests.support.each import each


def test_a_merged_pull_request_has_its_title_in_the_first_line_of_the_body() -> None:
    commit = parsed("Merge pull request #12 from ann/feature/search\n\nfeat(search)!: find by words (fast)\n\nmore")

    assert (commit.form, commit.pull, commit.title) == ("merge", 12, "feat(search)!: find by words (fast)")
    assert (commit.owner, commit.branch) == ("ann", "feature/search")
    assert (commit.commit_type, commit.scope, commit.breaking) == ("feat", "search", True)


@each(
    ("message", "pull", "title", "branch", "into"),
    [
        ("Merged in fix/pool (pull request #44)\n\nThe pool\n\nApproved-by: B", 44, "The pool", "fix/pool", None),
        ("Merge pull request #7 in APP/core from fix/pool to main\n\n* commit", 7, "* commit", "fix/pool", "main"),
        ("Merge pull request 'The pool' (#9) from fix/pool into main", 9, "The pool", "fix/pool", "main"),
        ("Merged PR 33: The pool", 33, "The pool", None, None),
        (
            "Merge branch 'fix/pool' into 'main'\n\nThe pool\n\nCloses #9\n\nSee merge request group/app!55",
            55, "The pool", "fix/pool", "main",
        ),
        ("The pool\n\nSee merge request !56", 56, "The pool", None, None),
    ],
)  # fmt: skip
def test_pull_requests_are_known_as_other_forges_write_them(
    message: str, pull: int, title: str, branch: str | None, into: str | None
) -> None:
    merged, squashed = parsed(message, merge=True), parsed(message)

    assert (merged.form, squashed.form) == ("merge", "squash")
    assert (merged.pull, merged.title, merged.branch, merged.into) == (pull, title, branch, into)


@each("message", ["Merged in 3 places (pull request #4 too)", "Merged PR: x", "a\n\nsee merge request !5 "])
def test_what_only_sounds_like_a_pull_request_is_none(message: str) -> None:
    assert parsed(message).pull is None


def test_a_merged_pull_request_without_a_body_has_no_title() -> None:
    assert parsed("Merge pull request #12 from ann/patch-1").title is None


def test_a_work_branch_may_stand_without_its_owner() -> None:
    commit = parsed("Merge pull request #12 from feature/search")

    assert (commit.owner, commit.branch) == (None, "feature/search")


@each(
    ("subject", "form", "pull", "title"),
    [
        ("fix(api): close the pool (#77)", "squash", 77, "fix(api): close the pool"),
        ("Fix typo (#1) (#2)", "squash", 2, "Fix typo (#1)"),
        ("PR #5: Add reports", "titled", 5, "Add reports"),
        ("PR #5: Add reports (#5)", "titled", 5, "Add reports"),
        ("deploy: release 2.1", "deploy", None, "release 2.1"),
        ("deployment(billing): release 2.1 (#9)", "deploy", 9, "release 2.1"),
        ('Revert "fix: pool (#77)" (#78)', "squash", 78, 'Revert "fix: pool (#77)"'),
        ('Revert "fix: pool (#77)"', None, None, None),
        ("feat: count (#12 of them)", None, None, None),
        ("redeploy: nothing", None, None, None),
        ("Merge pull request 12 from ann/x", None, None, None),
    ],
)
def test_the_forms_of_an_announcement(subject: str, form: str | None, pull: int | None, title: str | None) -> None:
    commit = parsed(subject)

    assert (commit.form, commit.pull, commit.title) == (form, pull, title)


@pytest.mark.parametrize(
    ("subject", "scope", "environment"),
    [("deploy(production): go", "production", "production"), ("deploy(billing): go", "billing", None)],
)
def test_a_scope_is_an_environment_only_if_it_is_called_like_one(
    subject: str, scope: str, environment: str | None
) -> None:
    commit = parsed(subject)

    assert (commit.scope, commit.environment) == (scope, environment)


def test_a_number_no_pull_request_can_have_is_a_doubt_and_not_a_number() -> None:
    for number in ("0", "99999999999999999999", str(2**31)):
        commit = parsed(f"feat: x (#{number})")

        assert (commit.pull, commit.doubts) == (None, ("number_out_of_range",))


@each(
    ("subject", "branch", "into"),
    [
        ("Merge branch 'fix/pool'", "fix/pool", None),
        ("Merge branch 'fix/pool' into develop", "fix/pool", "develop"),
        ("Merge branch 'fix/pool' - with a remark", "fix/pool", None),
        ("Merge remote-tracking branch 'origin/fix/pool'", "fix/pool", None),
        ("Merge fix/pool into main", "fix/pool", "main"),
        ("Merge branch 'fix/pool' of https://example.org/x into fix/pool", None, None),
        ("Merge branch 'fix/pool' into fix/pool", None, "fix/pool"),
    ],
)
def test_a_merge_without_a_pull_request_names_its_branch(subject: str, branch: str | None, into: str | None) -> None:
    commit = parsed(subject, merge=True)

    assert (commit.form, commit.branch, commit.into) == (None, branch, into)


def test_a_sentence_about_merging_is_no_merge() -> None:
    assert parsed("Merge lists into one", merge=False).branch is None


@each(
    ("name", "piece"),
    [
        ("feature/search", ("feature", "search")),
        ("feat/a/b", ("feature", "a/b")),
        ("bugfix/pool", ("fix", "pool")),
        ("fix/pool", ("fix", "pool")),
        ("012-invoices", ("012", "invoices")),
        ("2026-02-03", None),
        ("main", None),
        ("feature/", None),
        ("dependabot/pip/x", None),
    ],
)
def test_which_branches_are_a_piece_of_work(name: str, piece: tuple[str, str] | None) -> None:
    assert work_branch(name) == piece


def test_issues_are_taken_where_a_word_says_so() -> None:
    commit = parsed(
        "fix: pool (#9)\n\nFixes #12, #13 and #14. Part of Task #15; see #16\nFollow-up of #17, step #1.\ncloses: #15"
    )

    assert set(commit.issues) == {
        IssueNamed(number=12, closing=True, certain=False),
        IssueNamed(number=13, closing=True, certain=False),
        IssueNamed(number=14, closing=True, certain=False),
        IssueNamed(number=15, closing=True, certain=True),
        IssueNamed(number=16, closing=False, certain=False),
    }


def test_a_vendors_line_says_what_it_says_of_that_vendor_only() -> None:
    commit = parsed(
        "Two vendors\n\nvendor(Acme Inc): operational, version 1.2.3, 45/46 tests passing\n- vendor(beta): broken"
    )

    assert commit.vendors == (
        VendorNamed(name="Acme Inc", status="operational", version="1.2.3", tests=(45, 46)),
        VendorNamed(name="beta", status="broken"),
    )


def test_what_stands_elsewhere_is_the_only_vendors() -> None:
    commit = parsed("vendor(acme): broken\n\nNow version 2.0.0.\n3/9 tests passed")

    assert commit.vendors == (VendorNamed(name="acme", status="broken", version="2.0.0", tests=(3, 9)),)


def test_other_words_on_a_vendors_line_are_no_status() -> None:
    assert parsed("vendor(acme): no longer broken").vendors == ()


def test_tests_of_a_deployment_are_those_outside_its_vendors_lines() -> None:
    commit = parsed("deploy: x\n\nvendor(acme): operational, 1/2 tests passing\nAll fine, 45/46 tests passing.")

    assert (commit.tests, commit.vendors[0].tests) == ((45, 46), (1, 2))


def test_an_impossible_count_is_left_out_and_of_several_the_first_counts() -> None:
    assert (parsed("deploy: x\n\n9/3 tests passing").tests, parsed("deploy: x\n\n9/3 tests passing").doubts) == (
        None,
        ("test_count_impossible",),
    )
    assert parsed("deploy: x\n\n1/3 tests passing, then 3/3 tests passing").tests == (1, 3)


@each(
    ("line", "compliant"),
    [
        ("Constitutional compliance: yes", True),
        ("- **Constitutional Compliance**: ✅ all principles", True),
        ("constitutional-compliance=failed", False),
        ("Compliance: no", False),
        ("Constitutional compliance: 97 %", None),
        ("mypy --strict compliance: yes", None),
        ("Architecture compliance:\n- yes", None),
        ("Constitutional compliance: yes\nConstitutional compliance: no", None),
        ("All good", None),
    ],
)
def test_compliance_is_known_only_where_it_is_stated(line: str, compliant: bool | None) -> None:
    assert parsed(f"deploy: x\n\n{line}").compliant is compliant


@pytest.mark.parametrize(
    "unit",
    [" ", "(", "#1 ", "#1, ", "fixes ", "vendor(", "1/", "1 ", "9", "version ", "\n", "compliance ", "- ", "*", "a: "],
)
def test_no_message_takes_long(unit: str) -> None:
    parsed(
        "feat: " + unit * (64 * 1024 // len(unit)) + "(#x)"
    )  # with a square of that length, a person would not see the end
    parsed("deploy: x\n\nfixes vendor(a): compliant tests This reverts commit " + unit * (64 * 1024 // len(unit)))


@each(
    "message",
    [
        "Fix Issue #1: The pool\n\nFix Issue #2: The cache\n",
        "fix: review\n\n- Issue #1: pool\n- Issue #2: cache\n- Issue #3 - both",
        "fix: review\n\n**Bug #1**: pool\n\nIt leaked.\n\n**Bug #2**: cache",
        "fix: review\n\n### Critical Issue #1: pool\nwords\n### Critical Issue #2: cache",
        "fix: review\n\n1. Fixes #1: pool\n2. Fixes #2: cache",
    ],
)
def test_numbers_that_count_the_points_of_a_message_are_no_issues(message: str) -> None:
    commit = parsed(message)

    assert (commit.issues, commit.doubts) == ((), ("numbers_of_a_list",))


@each(
    ("message", "numbers"),
    [
        ("Fix Issue #1: The pool", [1]),
        ("fix: x\n\nFixes #2: pool\nFixes #3: cache", [2, 3]),
        ("fix: x\n\nFixes #1\nFixes #2", [1, 2]),
        ("fix: x\n\nFixes GH-4, gh-5 and #6", [4, 5, 6]),
        ("Issue gh-4: pool, not high-5 or GH-6", [4]),
        ("feat: GH-4 and gh-5a, fixes gh-7x", []),
        ("fix: x\n\nThis fixes #1, and it fixes #2.", [1, 2]),
        ("fix: x\n\nIssue #1: pool\nIssue #2: cache\n\nCloses #2, closes #7", [2, 7]),
    ],
)
def test_numbers_that_count_nothing_are_issues(message: str, numbers: list[int]) -> None:
    assert [issue.number for issue in parsed(message).issues] == numbers
