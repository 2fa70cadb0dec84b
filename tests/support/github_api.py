"""GitHub's interface of issues on loopback: its shapes, pages, ETags, limits, and the faults that a network adds.

The clock is the test's own: each write moves it on by `tick` seconds, so several changes can lie in one second. A fault
is a function of the request that is asked before (or after) it is carried out, and may answer in its place.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Record = dict[str, Any]
CUT = "cut"  # the connection ends without an answer
OWNER = "octo/hello"


class Fault:
    """What happens to one request: `status` and headers in place of an answer, or `status` CUT. With `carried_out`
    the request has its effect all the same, and only the answer is lost."""

    def __init__(
        self, status: int | str, *, carried_out: bool = False, headers: dict[str, str] | None = None, message: str = ""
    ) -> None:
        self.status, self.carried_out, self.headers, self.message = status, carried_out, headers or {}, message


class GithubApi:
    """One repository, `octo/hello`. `faults(method, path)` is asked for each request."""

    def __init__(self) -> None:
        self.issues: dict[int, Record] = {}
        self.comments: dict[int, Record] = {}
        self.milestones: dict[int, Record] = {}
        self.parents: dict[int, int] = {}  # of sub-issues
        self.blocks: set[tuple[int, int]] = set()  # blocker and blocked
        self.most_sub_issues, self.most_dependencies = 100, 50
        self.has_relations = True  # an older GitHub Enterprise has none
        self.deleted: dict[int, str | None] = {}  # where it moved to, by number
        self.people = {"octo", "ann", "bob"}
        self.now = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
        self.tick = 1
        self.not_set: set[str] = set()  # fields of issues that the token's owner may not set: left out without a word
        self.most_per_page = 100
        self.faults: Callable[[str, str], Fault | None] = lambda method, path: None
        self.between_pages: Callable[[], None] = lambda: None
        self.requests: list[tuple[str, str, int]] = []
        self.lock = threading.RLock()
        self._numbers = iter(range(1, 100_000))
        self._ids = iter(range(5_000, 1_000_000))
        self.url = ""
        self.name, self.id = OWNER, 77  # of the repository, which can be renamed
        self.link_host = ""  # that links to pages name, if another one

    # what people do on GitHub

    def open_issue(self, title: str, body: str | None = None, *, by: str = "ann", **more: Any) -> int:
        with self.lock:
            number = next(self._numbers)
            at = self._moment()
            self.issues[number] = {
                "id": next(self._ids),
                "number": number,
                "title": title.strip(),
                "body": body,
                "state": "open",
                "state_reason": None,
                "user": {"login": by, "id": 1},
                "assignees": [],
                "labels": [],
                "milestone": None,
                "locked": False,
                "html_url": f"https://github.com/{self.name}/issues/{number}",
                "created_at": at,
                "updated_at": at,
                "closed_at": None,
                "closed_by": None,
            }
            self._change(number, more, at)
            return number

    def open_milestone(self, title: str, **more: Any) -> int:
        with self.lock:
            number, at = next(self._numbers), self._moment()
            known = {"description": None, "due_on": None, "state": "open", "closed_at": None}
            self.milestones[number] = known | {
                "id": number,
                "number": number,
                "title": title,
                "creator": {"login": "ann", "id": 1},
                "html_url": f"https://github.com/{self.name}/milestone/{number}",
                "created_at": at,
                "updated_at": at,
            }
            self.edit_milestone(number, **more)
            return number

    def edit_milestone(self, number: int, **fields: Any) -> None:
        with self.lock:
            at = self._moment()
            closed = {"closed_at": at} if fields.get("state") == "closed" else {}
            self.milestones[number] |= fields | closed | {"updated_at": at}

    def delete_milestone(self, number: int) -> None:
        with self.lock:
            del self.milestones[number]
            for issue in self.issues.values():
                issue["milestone"] = None if issue["milestone"] == number else issue["milestone"]

    def open_pull_request(self, title: str, body: str) -> int:
        number = self.open_issue(title, body)
        url = f"https://github.com/{self.name}/pull/{number}"
        self.issues[number] |= {"pull_request": {"html_url": url}, "html_url": url}
        return number

    def edit(self, number: int, **fields: Any) -> None:
        with self.lock:
            self._change(number, fields, self._moment())

    def comment(self, number: int, body: str, by: str = "ann") -> int:
        with self.lock:
            at, own = self._moment(), next(self._ids)
            kind = "pull" if "pull_request" in self.issues[number] else "issues"
            self.comments[own] = {
                "id": own,
                "node_id": f"IC_{own}",
                "body": body,
                "user": {"login": by, "id": 1},
                "created_at": at,
                "updated_at": at,
                "html_url": f"https://github.com/{self.name}/{kind}/{number}#issuecomment-{own}",
                "issue_url": f"{self.url}/repos/{self.name}/issues/{number}",
            }
            self.issues[number]["updated_at"] = at
            return own

    def edit_comment(self, own: int, body: str) -> None:
        with self.lock:
            self.comments[own] |= {"body": body, "updated_at": self._moment()}

    def delete_comment(self, own: int) -> None:
        with self.lock:
            number = int(self.comments.pop(own)["issue_url"].rpartition("/")[2])
            self.issues[number]["updated_at"] = self._moment()

    def delete_issue(self, number: int, moved_to: str | None = None) -> None:
        with self.lock:
            del self.issues[number]
            self.parents = {child: up for child, up in self.parents.items() if number not in (child, up)}
            self.blocks = {pair for pair in self.blocks if number not in pair}
            self.deleted[number] = moved_to

    def set_parent(self, number: int, parent: int | None) -> None:
        """As GitHub does, it moves no time of change."""
        with self.lock:
            self.parents.pop(number, None)
            if parent is not None:
                self.parents[number] = parent

    def rename(self, name: str) -> None:
        """As GitHub does, it moves no time of change; the former name leads on."""
        with self.lock:
            for record in (*self.issues.values(), *self.comments.values(), *self.milestones.values()):
                addresses = {key: value for key, value in record.items() if key.endswith("url")}
                record |= {key: value.replace(f"/{self.name}/", f"/{name}/") for key, value in addresses.items()}
            self.name = name

    def relate(self, method: str, number: int, kind: str, body: Record) -> None:
        with self.lock:
            self._relate(method, number, kind, body, 0)

    def of_issue(self, number: int) -> list[Record]:
        return [one for one in self.comments.values() if one["issue_url"].endswith(f"/issues/{number}")]

    def writes(self) -> int:
        return sum(method != "GET" for method, _, _ in self.requests)

    # how it answers

    def answer(self, method: str, target: str, headers: Any, body: Any) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = _below(parts.path, f"/repos/{self.name}", f"/repositories/{self.id}")
        if path is None:
            path = _below(parts.path, f"/repos/{OWNER}")
            return self._missing() if path is None else self._moved(f"{self.url}/repositories/{self.id}{path}")
        with self.lock:
            if method == "GET":
                return self._read(path, params, headers, target)
            return self._write(method, path, body)

    def _read(self, path: str, params: dict[str, str], headers: Any, target: str) -> tuple[int, dict[str, str], Any]:
        if path == "":
            return 200, {}, {"id": self.id, "full_name": self.name, "archived": False, "has_issues": True}
        if path == "/issues":
            return self._page([self._shown(one) for one in self.issues.values()], params, headers, target)
        if path == "/milestones":
            return self._page(list(self.milestones.values()), params, headers, target)
        if found := re.fullmatch(r"/milestones/(\d+)", path):
            known = self.milestones.get(int(found[1]))
            return (200, {}, known) if known else self._missing()
        if path == "/issues/comments":
            return self._page(list(self.comments.values()), params, headers, target)
        if found := re.fullmatch(r"/issues/(\d+)/comments", path):
            known = sorted(self.of_issue(int(found[1])), key=lambda one: one["id"])
            return self._page(known, params | {"sort": "id"}, headers, target)
        if found := re.fullmatch(
            r"/issues/(\d+)/(parent|sub_issues|dependencies/blocked_by|dependencies/blocking)", path
        ):
            return self._related(int(found[1]), found[2], params, headers, target)
        if found := re.fullmatch(r"/issues/(\d+)", path):
            return self._issue(int(found[1]))
        if found := re.fullmatch(r"/assignees/([\w-]+)", path):
            return (204, {}, None) if found[1] in self.people else self._missing()
        return self._missing()

    def _issue(self, number: int) -> tuple[int, dict[str, str], Any]:
        if number in self.issues:
            return 200, {}, self._shown(self.issues[number])
        if number in self.deleted and self.deleted[number] is not None:
            return self._moved(str(self.deleted[number]))
        return (410, {}, {"message": "This issue was deleted"}) if number in self.deleted else self._missing()

    def _related(
        self, number: int, kind: str, params: dict[str, str], headers: Any, target: str
    ) -> tuple[int, dict[str, str], Any]:
        if number not in self.issues or not self.has_relations:
            return self._missing()
        if kind == "parent":
            return self._issue(self.parents[number]) if number in self.parents else self._missing()
        numbers = {
            "sub_issues": [child for child, up in self.parents.items() if up == number],
            "dependencies/blocked_by": [blocker for blocker, blocked in self.blocks if blocked == number],
            "dependencies/blocking": [blocked for blocker, blocked in self.blocks if blocker == number],
        }[kind]
        return self._page([self._shown(self.issues[one]) for one in numbers], params | {"sort": "id"}, headers, target)

    def _relate(self, method: str, number: int, kind: str, body: Any, own: int) -> tuple[int, dict[str, str], Any]:
        """`own` is the id of the other issue where the address names it."""
        wanted = own or (body or {}).get("sub_issue_id") or (body or {}).get("issue_id")
        other = next((one["number"] for one in self.issues.values() if one["id"] == wanted), None)
        if number not in self.issues or other is None or not self.has_relations:
            return self._missing()
        match method, kind:
            case "POST", "sub_issues":
                problem = self._refused_child(number, other, body.get("replace_parent", False))
                self.parents |= {} if problem else {other: number}
            case "DELETE", "sub_issue" if self.parents.get(other) == number:
                problem = ""
                del self.parents[other]
            case "POST", "dependencies/blocked_by":
                problem = self._refused_blocker(number, other)
                self.blocks |= set() if problem else {(other, number)}
            case "DELETE", "dependencies/blocked_by" if (other, number) in self.blocks:
                problem = ""
                self.blocks.remove((other, number))
            case _:
                return self._missing()
        if problem:
            return 422, {}, {"message": f"Validation Failed: {problem}"}
        return 201 if method == "POST" else 200, {}, self._shown(self.issues[number])

    def _refused_child(self, parent: int, child: int, replaces: bool) -> str:
        above, at = [parent], parent
        while at in self.parents:
            above.append(at := self.parents[at])
        if child in above:
            return "Sub-issue cannot be one of its own parents"
        if self.parents.get(child) == parent:
            return "Issue may not contain duplicate sub-issues"
        if child in self.parents and not replaces:
            return "Sub issue may only have one parent"
        full = sum(up == parent for up in self.parents.values()) >= self.most_sub_issues
        return "Parent cannot have more than 100 sub-issues" if full else ""

    def _refused_blocker(self, blocked: int, blocker: int) -> str:
        reached, edge = set[int](), {blocked}
        while edge:
            reached |= edge
            edge = {to for one, to in self.blocks if one in edge} - reached
        if blocker in reached:
            return "Issue dependencies may not be circular"
        if (blocker, blocked) in self.blocks:
            return "Target issue has already been taken"
        full = sum(to == blocked for _, to in self.blocks) >= self.most_dependencies
        return "Issue has too many dependencies" if full else ""

    def _page(
        self, records: list[Record], params: dict[str, str], headers: Any, target: str
    ) -> tuple[int, dict[str, str], Any]:
        if since := params.get("since"):
            records = [one for one in records if one["updated_at"] >= since]
        key = {"updated": "updated_at", "created": "created_at"}.get(params.get("sort", "created"), "id")
        records.sort(key=lambda one: (one[key], one.get("id")), reverse=params.get("direction", "desc") == "desc")
        if params.get("sort") == "id":
            records.sort(key=lambda one: one["id"])
        size = min(int(params.get("per_page", 30)), self.most_per_page)
        number = int(params.get("page", 1))
        page, rest = records[(number - 1) * size : number * size], records[number * size :]
        etag = '"' + hashlib.sha256(json.dumps([page, target]).encode()).hexdigest()[:32] + '"'
        if headers.get("If-None-Match") == etag:
            return 304, {"ETag": etag}, None
        sent = {"ETag": etag}
        if rest:
            parts = urlsplit(target)
            query = urlencode(
                {name: values[0] for name, values in parse_qs(parts.query).items()} | {"page": number + 1}
            )
            host = self.link_host or self.url
            sent["Link"] = f'<{host}{parts.path}?{query}>; rel="next", <{host}{parts.path}>; rel="first"'
            self.between_pages()
        return 200, sent, page

    def _write(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        if (method, path) == ("POST", "/issues"):
            number = self.open_issue(body["title"], body.get("body"), by="octo", labels=body.get("labels", []))
            return 201, {}, self._shown(self.issues[number])
        if found := re.fullmatch(r"/issues/(\d+)/(sub_issues?|dependencies/blocked_by)(?:/(\d+))?", path):
            return self._relate(method, int(found[1]), found[2], body, int(found[3] or 0))
        if (method, path) == ("POST", "/milestones"):
            if any(one["title"] == body["title"] for one in self.milestones.values()):
                return 422, {}, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
            return 201, {}, self.milestones[self.open_milestone(**body)]
        if (found := re.fullmatch(r"/milestones/(\d+)", path)) and int(found[1]) in self.milestones:
            number = int(found[1])
            others = (one["title"] for one in self.milestones.values() if one["number"] != number)
            if body.get("title") in others:
                return 422, {}, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
            self.edit_milestone(number, **body)
            return 200, {}, self.milestones[number]
        if (found := re.fullmatch(r"/issues/(\d+)/comments", path)) and int(found[1]) in self.issues:
            own = self.comment(int(found[1]), body["body"], by="octo")
            return 201, {}, self.comments[own]
        if (found := re.fullmatch(r"/issues/comments/(\d+)", path)) and int(found[1]) in self.comments:
            if method == "DELETE":
                self.delete_comment(int(found[1]))
                return 204, {}, None
            self.edit_comment(int(found[1]), body["body"])
            return 200, {}, self.comments[int(found[1])]
        if found := re.fullmatch(r"/issues/(\d+)", path):
            number = int(found[1])
            if number not in self.issues:
                return self._issue(number)
            if body.get("milestone") is not None and body["milestone"] not in self.milestones:
                return 422, {}, {"message": "Validation Failed", "errors": [{"field": "milestone"}]}
            if any(name not in self.people for name in body.get("assignees", ())):
                return 422, {}, {"message": "Validation Failed"}
            self.edit(number, **{name: value for name, value in body.items() if name not in self.not_set})
            return 200, {}, self._shown(self.issues[number])
        return self._missing()

    def _moved(self, to: str) -> tuple[int, dict[str, str], Any]:
        return 301, {"Location": to}, {"message": "Moved Permanently"}

    def _missing(self) -> tuple[int, dict[str, str], Any]:
        return 404, {}, {"message": "Not Found"}

    def _shown(self, issue: Record) -> Record:
        milestone = self.milestones.get(issue["milestone"])
        shown = issue | {"comments": len(self.of_issue(issue["number"])), "milestone": milestone}
        return shown | self._relations_of(issue["number"]) if self.has_relations else shown

    def _relations_of(self, number: int) -> Record:
        """The parent's address is left out where there is none; the short counts are those of open issues."""
        children = [self.issues[child] for child, up in self.parents.items() if up == number]
        blocked_by = [self.issues[one] for one, other in self.blocks if other == number]
        blocking = [self.issues[other] for one, other in self.blocks if one == number]
        done = sum(child["state"] == "closed" for child in children)
        address = f"{self.url}/repos/{self.name}/issues/{self.parents.get(number)}"
        return ({"parent_issue_url": address} if number in self.parents else {}) | {
            "sub_issues_summary": {
                "total": len(children),
                "completed": done,
                "percent_completed": 100 * done // max(len(children), 1),
            },
            "issue_dependencies_summary": {
                "blocked_by": sum(one["state"] == "open" for one in blocked_by),
                "total_blocked_by": len(blocked_by),
                "blocking": sum(one["state"] == "open" for one in blocking),
                "total_blocking": len(blocking),
            },
        }

    def _change(self, number: int, fields: Record, at: str) -> None:
        issue = self.issues[number]
        if "labels" in fields:
            names = dict.fromkeys(fields["labels"])
            fields = fields | {"labels": [{"id": 1, "name": name, "color": "ededed"} for name in names]}
        if "assignees" in fields:
            fields = fields | {"assignees": [{"login": name, "id": 1} for name in fields["assignees"]]}
        if "title" in fields:
            fields = fields | {"title": fields["title"].strip()}
        if fields.get("state") == "closed":
            fields = {"state_reason": "completed"} | fields | {"closed_at": at, "closed_by": {"login": "ann", "id": 1}}
        elif fields.get("state") == "open" and issue["state"] == "closed":
            fields = fields | {"state_reason": "reopened", "closed_at": None, "closed_by": None}
        self.issues[number] = issue | fields | {"updated_at": at}

    def _moment(self) -> str:
        self.now += timedelta(seconds=self.tick)
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _below(path: str, *beginnings: str) -> str | None:
    """What comes behind one of these, in any case of letters."""
    found = re.match(f"(?:{'|'.join(map(re.escape, beginnings))})(?![^/])", path, re.IGNORECASE)
    return path[found.end() :] if found else None


@contextmanager
def serving(api: GithubApi) -> Iterator[GithubApi]:
    """Answers at `api.url` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms between its header and its body

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = urlsplit(self.path).path
            fault = api.faults(self.command, path)
            if fault is None or fault.carried_out:
                status, headers, content = api.answer(self.command, self.path, self.headers, body)
            if fault is not None:
                api.requests.append((self.command, self.path, fault.status if isinstance(fault.status, int) else 0))
                if fault.status == CUT:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, content = int(fault.status), fault.headers, {"message": fault.message}
            else:
                api.requests.append((self.command, self.path, status))
            self._say(status, headers, content)

        def _say(self, status: int, headers: dict[str, str], content: Any) -> None:
            data = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if status not in (204, 304):
                self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(api.now, usegmt=True)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
