"""Status files of known content, in each of the legacy grammars, with the small deviations that people's hands make."""

import random
from dataclasses import dataclass, field
from typing import Any

FORMATS = ("Excel", "CSV", "PDF", "OCR")
SCENARIO = (45, 12, 8, 25)  # vendors, deployments, enhancements, sessions
PRIORITIES = {"Critical": 1, "High": 2, "Medium": 3, "Low": 4}


@dataclass
class Known:
    """What a file says, as the generator knows it, without any parser."""

    vendors: dict[str, dict[str, Any]] = field(default_factory=dict)
    deployments: list[tuple[int, str]] = field(default_factory=list)
    enhancements: dict[str, tuple[int, str]] = field(default_factory=dict)  # title -> priority, quarter
    sessions: dict[str, str] = field(default_factory=dict)  # session_id -> prompt text
    items: dict[str, dict[str, Any]] = field(default_factory=dict)


def grammar_a(counts: tuple[int, int, int, int] = SCENARIO, seed: int = 0, odd: bool = False) -> tuple[str, Known]:
    """The acceptance scenarios' file; `odd` varies spacing, bullets, emphasis and check marks."""
    vendors, deployments, enhancements, sessions = counts
    chance, known = random.Random(seed), Known()
    bullet = (lambda: chance.choice(["- ", "* ", "-   ", "+ "])) if odd else (lambda: "- ")
    strong = (lambda text: chance.choice([text, f"**{text}**"])) if odd else (lambda text: text)
    lines = ["# Project Status", "", f"## Vendors ({vendors} total)", ""]
    for number in range(vendors):
        lines.append(bullet() + _vendor_line(number, chance, known, strong))
    lines += ["", f"## Deployments ({deployments} total)", ""]
    for number in range(deployments):
        lines += _deployment_lines(number, chance, known, list(known.vendors), bullet, strong, odd)
    lines += ["", f"## Future Enhancements ({enhancements} total)", ""]
    for number in range(enhancements):
        word, quarter = chance.choice(list(PRIORITIES)), chance.randint(1, 4)
        title = f"Enhancement {number:02} of the reader"
        known.enhancements[title] = (PRIORITIES[word], f"2026-Q{quarter}")
        lines.append(f"{bullet()}{strong(title)} (Priority: {word}, Q{quarter} 2026)")
    lines += ["", f"## Session Prompts ({sessions} total)", ""]
    for number in range(sessions):
        name, body = f"sess_{number:03}", f"Prompt text {number}.\n\n- with a list\n- and {chance.random()}"
        known.sessions[name] = body
        lines += [f"### Session 2025-03-{number % 28 + 1:02}", "", "---", f"session_id: {name}", "token_budget: 200000"]
        lines += ["prompts_count: 3", 'schema_version: "1.0"', "---", "", body, ""]
    text = "\n".join(lines) + "\n"
    return (text.replace("\n", "\r\n") if odd and chance.random() < 0.3 else text), known


def grammar_b(vendors: int = 5, items: int = 6, deployments: int = 3, seed: int = 0) -> tuple[str, Known]:
    """The generated report: headings may announce more than they list, and a hash may be short of a digit."""
    chance, known = random.Random(seed), Known()
    lines = ["# Project Status - 2025-10-11T12:00:00Z", "", f"## Operational Vendors ({vendors}/{vendors})", ""]
    for number in range(vendors):
        name, total = f"VENDOR_{number}", chance.randint(1, 40)
        passing, status = chance.randint(0, total), chance.choice(["operational", "broken"])
        formats = [one.lower() for one in FORMATS if chance.random() < 0.5]
        known.vendors[name] = {
            "status": status,
            "passing": passing,
            "total": total,
            "skipped": None,
            "formats": formats,
        }
        parts = [
            f"- **{name}**: {status}",
            f"({passing}/{total} tests)",
            f"[{', '.join(formats)}]" if formats else "none",
        ]
        lines += ["\n  ".join(parts) if chance.random() < 0.5 else " ".join(parts)]
    lines += ["", f"## Active Work Items ({items + 3})", ""]
    above: list[str] = []
    for number in range(items):
        depth = chance.randint(0, min(len(above), 4))
        title, kind, status = f"Item {number}", chance.choice(["project", "task", "work_session"]), "in-progress"
        del above[depth:]
        known.items[title] = {"parent": above[-1] if above else None, "item_type": kind.removeprefix("work_")}
        indent = "  " * depth
        lines += [f"{indent}### {title} ({kind})", f"{indent}- **Status**: {status}"]
        lines += [f"{indent}- **Created**: 2025-10-0{number % 9 + 1} 10:00:00 UTC", f"{indent}- **Branch**: b-{number}"]
        lines += [f"{indent}- **Parent**: {parent}" for parent in above[-1:]] + [""]
        above.append(title)
    lines += ["## Recent Deployments (Last 10)", ""]
    for number in range(deployments):
        commit = "".join(chance.choice("0123456789abcdefg") for _ in range(chance.choice([7, 39, 40])))
        known.deployments.append((number + 10, commit))
        lines += [f"### 2025-09-{number + 1:02} 08:30:00 UTC - PR #{number + 10}", f"- **Title**: Change {number}"]
        lines += [f"- **Commit**: `{commit}`", "- **Tests**: unit: 45, integration: 3"]
        lines += ["- **Constitutional Compliance**: ✅", f"- **Vendors**: {next(iter(known.vendors), '')}", ""]
    lines += ["## Future Enhancements", "", "- **Read faxes** (Priority: P1, Target: Q1 2026)", ""]
    known.enhancements["Read faxes"] = (2, "2026-Q1")
    return "\n".join([*lines, "---", "*Generated at 2025-10-11T12:00:00Z*", ""]), known


def grammar_c(seed: int = 0) -> tuple[str, Known, str]:
    """The hand-kept file; the third part are its hand-written sections."""
    known = Known()
    known.vendors = {
        "AMINA": {"status": "operational", "passing": 27, "total": 31, "skipped": 4, "output_type": "dual"},
        "EPSON": {"status": "operational", "passing": 8, "total": 8, "skipped": None, "output_type": "single"},
    }
    known.deployments = [(45, "84b0fb4")]
    known.enhancements = {"Read faxes": (1, "2026-Q1"), "Dark mode": (3, "2026-Q2")}
    written = "## OPERATIONAL PROCEDURES\n\n- Vendors: ask ann (45 total)\n\n## HISTORICAL REFERENCE\n\nOld\twords.\n"
    text = f"""# PROJECT STATUS

## PRODUCTION CAPABILITIES

### Operational Vendors (2)
- **AMINA**: 27/31 passing, 4 skipped, extractor `src/extractors/amina.py`, output: dual
- **EPSON**: 8/8 tests passing, extractor `src/extractors/epson.py`, output: single

## LATEST DEPLOYMENT

- **PR**: #45
- **Commit**: `84b0fb4`
- **Date**: 2025-10-0{seed % 9 + 1}
- **Accomplishments**:
  - Split the commissions
  - Read: the manifest

## ACTIVE CONTEXT TYPE

feature

## FUTURE ENHANCEMENTS

- **Read faxes** (P0, Q1 2026)
- **Dark mode** (P2, Q2 2026)

{written}"""
    return text, known, written


def _vendor_line(number: int, chance: random.Random, known: Known, strong: Any) -> str:
    total = chance.randint(2, 40)
    passing = chance.randint(0, total)
    skipped = chance.randint(0, total - passing)
    formats = chance.sample(FORMATS, chance.randint(1, 4))
    name, status = f"Vendor{number + 1:02}", chance.choice(["operational", "operational", "broken"])
    version = f"{chance.randint(0, 9)}.{chance.randint(0, 9)}.{chance.randint(0, 99)}"
    known.vendors[name] = {
        "status": status,
        "passing": passing,
        "total": total,
        "skipped": skipped,
        "formats": [one.lower() for one in formats],
        "version": version,
    }
    tests = f"({passing}/{total} tests passed, {skipped} skipped)"
    return f"{strong(name)}: {status} {tests} [{', '.join(formats)}] v{version}"


def _deployment_lines(
    number: int, chance: random.Random, known: Known, vendors: list[str], bullet: Any, strong: Any, odd: bool
) -> list[str]:
    commit = "".join(chance.choice("0123456789abcdef") for _ in range(40))
    known.deployments.append((100 + number, commit))
    mark = chance.choice(["✅", "✓", "yes", "✔"]) if odd else "✓"
    return [
        f"### 2025-02-{number % 28 + 1:02} - PR #{100 + number}",
        f"{bullet()}{strong('Commit')}: {commit}",
        f"{bullet()}{strong('Work Items')}: #T{number:03}, #T{number + 1:03}",
        f"{bullet()}{strong('Vendors')}: {', '.join(vendors[:2])}",
        f"{bullet()}{strong('Tests')}: 45 passed, {number} failed",
        f"{bullet()}{strong('Constitutional Compliance')}: {mark if number % 2 else '❌'}",
        "",
    ]
