"""Status files of known content, in the many ways people write the same: headings, tables, lists, signs, times."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

WORDS = ["parser", "import", "cache", "export", "login", "report", "search", "index"]
STATES = {  # how a state is written, before a title, behind it, or as a value
    "active": ["[ ] {}", "{}", "☐ {}", "TODO: {}", "{} (active)"],
    "in_progress": ["🚧 {}", "[/] {}", "🔄 {}", "WIP: {}", "{} (in progress)", "⏳ {}", "[ ] 🚧 {}"],
    "completed": [
        "✅ {}",
        "[x] {}",
        "[X] {}",
        "☑ {}",
        "~~{}~~",
        "{} ✅",
        "{} (done)",
        "DONE: {}",
        "✔️ {}",
        "[x] ~~{}~~",
    ],
    "blocked": ["[>] {}", "⏸ {}", "{} (blocked)", "**BLOCKED** {}", "On hold: {}", "⛔ {}"],
    "in_review": ["👀 {}", "{} (in review)"],
    "dropped": ["[-] {}", "{} (cancelled)", "Dropped: {}"],
    "unknown": ["❌ {}", "[~] {}", "[!] {}", "🚀 {}", "🔴 {}"],
}
VALUES = {
    "active": ["todo", "[ ]", "planned", "Active", "0 %"],
    "in_progress": ["In Progress", "🚧", "WIP", "80 %", "En cours", "进行中"],
    "completed": ["✅", "Done", "[x]", "Complete.", "✅ shipped", "100%", "Completed in July", "Terminé", "已完成"],
    "blocked": ["Blocked", "on hold", "⏸", "waiting for the vendor", "보류"],
    "in_review": ["👀", "in review", "needs review"],
    "dropped": ["cancelled", "won't do", "[-]", "Obsolete"],
    "unknown": ["❌", "flaky", "🔴 red", "[~]"],
}
NOT_UNDERSTOOD = {form.removesuffix(" {}") for form in STATES["unknown"]} | set(VALUES["unknown"])
ZONES = {
    "Z": 0, "UTC": 0, "utc": 0, "CEST": 2, "cest": 2, "MESZ": 2, "JST": 9, "PDT": -7, "EST": -5, "UTC+2": 2,
    "+02:00": 2, "+02": 2, "-05": -5, "UTC plus 2": 2, "utc minus 3:30": -3.5,
    "-0530": -5.5, "GMT-05:30": -5.5, "UTC−3": -3, "(UTC+5:45)": 5.75, "(CEST)": 2, "Europe/Berlin": 2,
    "america/new_york": -4, "Asia/Kolkata": 5.5, "Central European Summer Time": 2, "Pacific Time": -7,
}  # fmt: skip
UNCERTAIN = [
    "IST", "BST", "XYZT", "local time", "Europe/Nowhere", "CET/CEST", "UTC+25", "server time", "UTC plus two",
    "GMT minus three",
]  # fmt: skip


COLUMNS = [["Task", "Status"], ["Title", "State"], ["Work item", ""], ["Task", "Statut"], ["任务", "状态"]]
KEPT = ["❌", "✅", "🚧 soon", "~~no~~", "`__init__.py`", "[x](https://example.org/x)"]  # what no field of ours takes


@dataclass
class Content:
    """What a file says: vendors (status, passing, total), items (state), enhancements (priority), deployments
    (commit, time; None where it is not certain), and what is kept of a vendor or an item as it is written."""

    vendors: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    enhancements: dict[str, int] = field(default_factory=dict)
    deployments: dict[int, tuple[str, datetime | None]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)


@st.composite
def status_files(draw: st.DrawFn) -> tuple[str, Content]:
    content = Content()
    parts = draw(st.permutations(["vendors", "items", "enhancements", "deployments", "author"]))
    text = draw(st.sampled_from(["", "# Project Status\n\n", "Project Status\n==============\n\n"]))
    for part in parts:
        text += draw({"vendors": vendors, "items": items, "enhancements": enhancements, "deployments": deployments,
                      "author": authors}[part](content))  # fmt: skip
    return text, content


@st.composite
def headings(draw: st.DrawFn, words: str) -> str:
    ways = [
        f"## {words}\n",
        f"## {words} ##\n",
        f"{words}\n{'-' * len(words)}\n",
        f"<h2>{words}</h2>\n",
        f"## **{words}**\n",
    ]
    ways += [f"\n{words}\n---\n", f"\n{words}\n----------------------------\n", f"## 📦 {words}\n"]
    return draw(st.sampled_from(ways)) + draw(st.sampled_from(["", "\n"]))


@st.composite
def traps(draw: st.DrawFn) -> str:
    """What looks like records and headings, and is text."""
    return draw(st.sampled_from([
        "", "", "", "\n```\n## Vendors\n- Trap Ltd: operational\n```\n\n",
        "\n~~~md\nActive Work Items\n---\n- [ ] Trap\n~~~\n\n",
        "\n*Note: all 12 are run nightly.*\n\n", "\n[^1]: since June 2026\n\n",
        "\n<!--\n## Vendors\n- Trap Ltd: operational\n-->\n\n", "\n````\n```\n| Trap | operational |\n````\n\n",
    ]))  # fmt: skip


@st.composite
def rows(draw: st.DrawFn, columns: list[str], cells: list[list[str]]) -> str:
    """The same table as people write it."""
    outer, rule = draw(st.booleans()), draw(st.sampled_from(["---", ":--", ":-:", "--:", ":----------:"]))
    lines = [columns, [rule] * len(columns), *cells]
    if len(columns) == 1 or outer:
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return "".join(f"{' | '.join(line)}\n" for line in lines)


@st.composite
def titles(draw: st.DrawFn, taken: list[str]) -> str:
    word = draw(st.sampled_from(WORDS))
    return f"Task {word} {len(taken)}"


@st.composite
def vendors(draw: st.DrawFn, content: Content) -> str:
    text, count, cells = draw(headings("Vendors")), draw(st.integers(1, 3)), []
    is_table = draw(st.booleans())
    for number in range(count):
        name = draw(
            st.sampled_from(
                ["Acme", "A | B", "Bank (EU)" if not is_table else "Bank EU", "x|y"]
                if is_table
                else ["Acme", "Beta Ltd"]
            )
        )
        name, status = f"{name} {number}", draw(st.sampled_from(["operational", "broken"]))
        total = draw(st.integers(1, 40))
        passing = draw(st.integers(0, total))
        content.vendors[name] = (status, passing, total)
        sign = draw(st.sampled_from(["", "✅ " if status == "operational" else "❌ "]))
        cells.append([f"{sign}{_escaped(name)}", status, f"{passing}/{total}"])
        if is_table:
            fax = draw(st.sampled_from(KEPT))
            cells[-1].append(fax)
            content.kept[name] = fax.strip("`")
    sums = draw(st.sampled_from([[], [["**Total**", "", f"{passing}/{total}"]], [["Summe", f"{count} vendors", ""]]]))
    if is_table:
        cells += [[*one, ""] for one in sums]
        return text + draw(rows(["Vendor", "Status", "Tests", "Fax"], cells)) + draw(traps()) + draw(ends())
    bullet, colon = draw(st.sampled_from(["- ", "* ", "+ ", "1. ", ""])), draw(st.sampled_from([": ", "："]))
    return (
        text
        + "".join(f"{bullet}{name}{colon}{status} ({tests} tests)\n" for name, status, tests in cells)
        + "".join(f"{bullet}{name}: {count} vendors\n" for name, *_ in sums)
        + draw(ends())
    )


@st.composite
def items(draw: st.DrawFn, content: Content) -> str:
    way, count = draw(st.sampled_from(["list", "table", "headings", "state"])), draw(st.integers(1, 4))
    made = []
    for number in range(count):
        title, state = draw(titles(made)) + f"{number}", draw(st.sampled_from(list(STATES)))
        made.append((title, state))
    if way == "list":
        content.items |= dict(made)
        body = ""
        for title, state in made:
            is_link = draw(st.booleans())
            content.kept |= {title: f"https://example.org/{title[-1]}"} if is_link else {}
            shown = f"[{title}]({content.kept[title]})" if is_link else title
            body += f"- {draw(st.sampled_from(STATES[state])).format(shown)}\n"
        return draw(headings("Active Work Items")) + body + draw(traps()) + draw(ends())
    if way == "table":
        content.items |= dict(made)
        columns = draw(st.sampled_from(COLUMNS))
        values = {state: [one for one in ways if columns[1] or one != "flaky"] for state, ways in VALUES.items()}
        cells = [[title, draw(st.sampled_from(values[state]))] for title, state in made]
        cells += draw(st.sampled_from([[], [["Total", f"{count}"]], [["**Gesamt**", ""]]]))
        if draw(st.booleans()):
            columns, cells = columns[::-1], [cell[::-1] for cell in cells]
        before = draw(st.sampled_from(["", "- Another one\n"]))
        content.items |= {"Another one": "active"} if before else {}
        return draw(headings("Active Work Items")) + before + draw(rows(columns, cells)) + draw(ends())
    if way == "headings":
        content.items |= dict(made)
        name = draw(st.sampled_from(["Status**:", "Status:**", "Estado** :", "ステータス**：", "状态：**"]))
        body = "".join(f"### {title}\n- **{name} {draw(st.sampled_from(VALUES[state]))}\n" for title, state in made)
        return draw(headings("Active Work Items")) + body + draw(ends())
    words, state = draw(st.sampled_from([
        ("Successfully completed today", "completed"), ("Next Actionable Step", "active"), ("Blocked", "blocked"),
        ("What was done", "completed"), ("Next Steps", "active"), ("Done", "completed"),
        ("In Progress", "in_progress"), ("🚧 Work in Progress", "in_progress"), ("Active Tasks", "active"),
        ("In Progress / Planned", "in_progress"), ("Next Steps and Backlog", "active"), ("Done / Doing", "in_progress"),
        ("En cours", "in_progress"), ("✅ 已完成（今天）", "completed"), ("Nächste Schritte", "active"),
    ]))  # fmt: skip
    content.items |= {title: state for title, _ in made}
    facts = draw(st.sampled_from(["", "- **Milestone:** the second\n"]))
    return draw(headings(words)) + facts + "".join(f"- {title}\n" for title, _ in made) + draw(ends())


@st.composite
def enhancements(draw: st.DrawFn, content: Content) -> str:
    text = draw(headings("Future Enhancements"))
    for number in range(draw(st.integers(1, 3))):
        title, priority = f"Idea {draw(st.sampled_from(WORDS))} {number}", draw(st.integers(0, 3))
        content.enhancements[title] = priority + 1
        text += f"- {draw(st.sampled_from(['', '[ ] ', '✅ ', '~~']))}{title} (P{priority})\n".replace("~~", "")
    return text + draw(ends())


@st.composite
def deployments(draw: st.DrawFn, content: Content) -> str:
    text = draw(headings("Deployments"))
    for number in range(draw(st.integers(1, 3))):
        pull, commit = len(content.deployments) * 10 + number + 1, f"{number + 1:040x}"
        hour, minute = draw(st.integers(0, 23)), draw(st.integers(0, 59))
        zone = draw(st.sampled_from([*ZONES, *UNCERTAIN, ""]))
        at = None
        if zone not in UNCERTAIN:
            at = datetime(2026, 7, 1, hour, minute, tzinfo=UTC) - timedelta(hours=ZONES.get(zone, 0))
        content.deployments[pull] = (commit, at)
        between = "" if zone[:1] in ("+", "-") or zone == "Z" else " "
        text += f"- 2026-07-01 {hour:02}:{minute:02}{between}{zone}: PR #{pull} one `{commit}`\n"
    return text + draw(ends())


@st.composite
def authors(draw: st.DrawFn, content: Content) -> str:
    """A section of no kind that is ours: facts and prose."""
    words = draw(st.sampled_from(["Operational Procedures", "Active State", "Current Status", "Historical Reference"]))
    body = draw(st.sampled_from(["- **Status:** Complete.\n- **Goal:** Ship it\n", "Vendors are asked on Mondays.\n"]))
    return draw(headings(words)) + body + draw(ends())


@st.composite
def ends(draw: st.DrawFn) -> str:
    """How a section ends: people also begin the next at once."""
    return draw(st.sampled_from(["\n", "\n", "\n\n---\n\n", ""]))


def _escaped(name: str) -> str:
    return f"`{name}`" if name.startswith("x|y") else name.replace("|", "\\|")
