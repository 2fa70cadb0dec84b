"""References in descriptions and comments lead to the pages of their items."""

from mcp_adapter.console.templates import markdown
from tests.support.each import each

LINK = '<a href="/l/1/item/w-7k3qd">'


@each("text", ["It waits for w-7k3qd.", "`w-7k3qd` (task)", "- [ ] after **w-7k3qd**, or not"])
def test_a_reference_is_a_link(text: str) -> None:
    assert markdown(text, "/l/1").count(LINK) == 1


@each(
    "text",
    [
        "raw-7k3qd",
        "https://example.org/w-7k3qd",
        "`git show w-7k3qd`",
        "[about w-7k3qd](https://example.org)",
        "    w-7k3qd",
        "w-7k3",
        "w-7k3qd-more",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert "/l/1" not in markdown(text, "/l/1")


def test_text_around_a_reference_is_escaped() -> None:
    shown = markdown('<b>w-7k3qd</b> & "more"', "/l/1")

    assert shown == f"<p>&lt;b&gt;{LINK}w-7k3qd</a>&lt;/b&gt; &amp; &quot;more&quot;</p>\n"
