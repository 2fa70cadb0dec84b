"""Judges of the MCP server and of its HTTP API that are not ours, on a fresh ledger: what each says, 1 if one says no.

python .ci/judges/run.py FOLDER     FOLDER is where they are installed: .ci/judges/install makes it

What could not be installed is named and counts as missing, not as passed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
SECONDS = 300
SCORE_MISSED = 2  # points of mcpscore that may be missing: a web address and an icon, which every answer would repeat
CORE = {
    "2025-11-25": (
        "server-initialize",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
        "server-session-lifecycle",
    ),
    "2026-07-28": (
        "server-stateless",
        "tools-list",
        "resources-list",
        "prompts-list",
        "sep-2164-resource-not-found",
        "dns-rebinding-protection",
        "caching",
        "http-header-validation",
        "server-sse-multiple-streams",
        "input-required-result-unsupported-methods",
    ),
}  # the scenarios that need no tools of the suite's own
ANSWERS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"
)
OF_FIXTURES = {"sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400"}

Verdict = bool | None  # None: could not be run here


class Judges:
    """The installed judges, and the server that they judge."""

    def __init__(self, folder: Path, url: str, command: list[str]) -> None:
        self.modules = folder / "node_modules"
        self.node = str(self.modules / ".bin" / "node")
        self.folder = folder
        self.url = url
        self.command = command

    def conformance(self) -> Verdict:
        suite = self.modules / "@modelcontextprotocol/conformance/dist/index.js"
        if not suite.exists():
            return None
        verdicts = [self._conforms(suite, revision, scenarios) for revision, scenarios in CORE.items()]
        return all(verdicts)

    def inspector(self) -> Verdict:
        program = self.modules / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        if not program.exists():
            return None
        fine = True
        for target in ([*self.command], [self.url, "--transport", "http"]):
            for era in ("legacy", "modern"):
                asked = ["--protocol-era", era, "--method", "tools/list", "--strict", "--format", "json", "-q"]
                code, said = run([self.node, str(program), "--cli", *target, *asked])
                print(f"Inspector --strict, {era}, {target[-1]}: {'ok' if code == 0 else said[-500:]}")
                fine = fine and code == 0
        return fine

    def typescript(self) -> Verdict:
        if not (self.modules / "@modelcontextprotocol/client").exists():
            return None
        script = self.folder / "typescript_clients.mjs"  # beside the packages that it imports
        for name in ("typescript_clients.mjs", "calls.json"):
            (self.folder / name).write_bytes((HERE / name).read_bytes())
        return passed([self.node, str(script), self.url, *self.command])

    def python(self) -> Verdict:
        python = self.folder / "python-client/bin/python"
        return (
            passed([str(python), str(HERE / "python_client.py"), self.url, *self.command]) if python.exists() else None
        )

    def mcpscore(self) -> Verdict:
        program = self.folder / "mcpscore/bin/mcpscore"
        if not program.exists():
            return None
        code, said = run([str(program), "--smoke", "--json", "--stdio", *self.command], errors=subprocess.DEVNULL)
        if code:
            print(said[-1000:])
            return False
        report = json.loads(said)
        missed = report["max_score"] - report["score"]
        print(f"mcpscore: {report['score']} of {report['max_score']}")
        for rule in report["results"]:
            if not rule["passed"]:
                print(f"  {rule['rule_id']}: {rule['message'][:200]}")
        return missed <= SCORE_MISSED

    def openapi(self) -> Verdict:
        """The description of the HTTP API is valid, and what schemathesis makes of it is answered as it says."""
        programs = self.folder / "openapi/bin"
        if not programs.exists():
            return None
        description = self.url.removesuffix("/mcp") + "/api/openapi.json"
        file = self.folder / "openapi.json"
        with urllib.request.urlopen(description, timeout=SECONDS) as answer:
            file.write_bytes(answer.read())
        asked = ["--checks", ANSWERS, "--phases", "coverage,fuzzing", "--max-examples", "8", "--seed", "1"]
        code, said = run([str(programs / "schemathesis"), "run", description, *asked], folder=self.folder)  # its cache
        print(said[-1500:] if code else f"schemathesis: {re.findall('[0-9]+ generated', said)}")
        return passed([str(programs / "openapi-spec-validator"), str(file)]) and code == 0

    def bundle(self) -> Verdict:
        program = self.modules / ".bin/mcpb"
        manifest = HERE.parent.parent / "packaging/mcpb/manifest.json"
        return passed([self.node, str(program), "validate", str(manifest)]) if program.exists() else None

    def _conforms(self, suite: Path, revision: str, scenarios: tuple[str, ...]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            asked = ["server", "--url", self.url, "--requirements", revision, "-o", folder]
            _, said = run([self.node, str(suite), *asked])
            found = checks(Path(folder))
        messages = [check for checks in found.values() for check in checks if check["id"] == "wire-schema-valid"]
        wrong = [check for check in messages if check["status"] == "FAILURE"]
        for name in scenarios:
            wrong += [check for check in found.get(name, [{"id": f"{name} did not run"}]) if failed(check)]
        print(f"conformance {revision}: {len(scenarios)} scenarios, {len(messages)} of messages, {len(wrong)} wrong")
        for check in wrong:
            print(f"  {check['id']}: {(check.get('errorMessage') or said[-300:])[:300]}")
        return bool(messages) and not wrong


def failed(check: dict) -> bool:
    """Whether it says something of the server, and not of a tool that only the suite's own example has."""
    why = check.get("errorMessage") or ""
    return check.get("status", "FAILURE") == "FAILURE" and check["id"] not in OF_FIXTURES and "Not testable" not in why


def checks(folder: Path) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for file in sorted(folder.glob("*/checks.json")):
        name = re.sub(r"^server-", "", re.sub(r"-\d{4}-\d\d-\d\dT.*$", "", file.parent.name))
        found.setdefault(name, []).extend(json.loads(file.read_text()))
    return found


def run(command: list[str], errors: int = subprocess.STDOUT, folder: Path | None = None) -> tuple[int, str]:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=SECONDS, cwd=folder)
    except subprocess.TimeoutExpired:
        return 1, f"{command[0]} did not end within {SECONDS} s"
    return done.returncode, done.stdout


def passed(command: list[str]) -> bool:
    code, said = run(command)
    print(said.strip())
    return code == 0


def main() -> int:
    folder = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as project:
        os.environ |= {"HOME": project, "LEDGER_HOME": f"{project}/home", "LEDGER_PGDATA": f"{project}/postgres"}
        ledger = ["tracking-ledger", "--project", project]
        subprocess.run([*ledger, "init"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*ledger, "status"], check=True, stdout=subprocess.DEVNULL)  # the database is there
        log = Path(project, "serve.log")
        with log.open("wb") as errors:
            served = subprocess.Popen([*ledger, "serve", "--port", "0", "--no-tokens", "--rate", "9999"], stderr=errors)
        try:
            judges = Judges(folder, address(log), [*ledger, "mcp"])
            return summed(
                {
                    "conformance": judges.conformance,
                    "Inspector": judges.inspector,
                    "TypeScript clients": judges.typescript,
                    "Python client 1.30": judges.python,
                    "mcpscore": judges.mcpscore,
                    "bundle": judges.bundle,
                    "OpenAPI": judges.openapi,
                }
            )
        finally:
            served.terminate()
            served.wait(60)
            subprocess.run([*ledger, "doctor", "--stop-server"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def summed(judges: dict[str, Callable[[], Verdict]]) -> int:
    verdicts = {name: judge() for name, judge in judges.items()}
    for name, verdict in verdicts.items():
        print(f"{'could not be installed here' if verdict is None else 'ok' if verdict else 'NO'}: {name}")
    return 1 if False in verdicts.values() else 0


def address(log: Path) -> str:
    for _ in range(600):
        for line in log.read_text().splitlines():
            if '"serving"' in line:
                return json.loads(line)["url"]
        time.sleep(0.1)
    raise SystemExit(f"the server does not come up: {log.read_text()}")


if __name__ == "__main__":
    sys.exit(main())
