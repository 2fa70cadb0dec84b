"""The web console as a browser without scripts meets it: pages, forms, and who is let in."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import pytest

from ledger import identity
from ledger.settings import Settings
from mcp_adapter.console import pages
from projections.application.app import App
from projections.cli.administration.setup.example import record, steps
from projections.maintenance import console_server
from projections.maintenance.access_tokens import Tokens
from projections.maintenance.console_links import ConsoleLinks
from projections.operations.catalog import OPERATIONS
from projections.operations.webhooks import WebhookInput
from tests.integration.test_http import project
from tests.support.command_line import run
from tests.support.http_client import Answer, HttpServer, serving, token

pytestmark = pytest.mark.processes

PAGES = list(pages.PAGES)
Served = tuple[HttpServer, Settings, Settings]
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Browser:
    """Keeps a cookie and sends forms as browsers do."""

    def __init__(self, server: HttpServer, settings: Settings) -> None:
        self.server = server
        self.origin = server.url.removesuffix("/mcp")
        self.base = f"/l/{identity.find(settings.project).ledger}"
        self.cookie = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self.server.send(
            "GET", None, None, path if path.startswith("/") else f"{self.base}/{path}", **self._own(headers)
        )

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> Answer:
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": self.origin, **self._own(headers)}
        where = path if path.startswith("/") else f"{self.base}/{path}"
        return self.server.send("POST", urlencode(fields, doseq=True).encode(), None, where, **sent)

    def sign_in(self, secret: str) -> Answer:
        answer = self.post("/sign-in", {"token": secret})
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    def create(self, **fields: str) -> str:
        """The path of the page of a new item."""
        answer = self.post(
            "act/create_work_item", {"f-item_type": "task", **{f"f-{name}": text for name, text in fields.items()}}
        )
        assert answer.status == 303, answer.body.decode()
        return urlsplit(answer.headers["location"]).path

    def form(self, path: str, operation: str) -> dict[str, str]:
        """The fields of the first form of a page that does an operation, as it stands there."""
        text = self.get(path).body.decode()
        [found, *_] = re.findall(rf'<form[^>]*action="[^"]*/act/{operation}">(.*?)</form>', text, re.S)
        return {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found)
        }

    def _own(self, headers: dict[str, str]) -> dict[str, str]:
        return ({"cookie": self.cookie} if self.cookie else {}) | headers


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
    return {name: unescape(value) for name, value in found}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("console")
    first, second = project(root / "first", dsn), project(root / "second", dsn)
    second = Settings(project=second.project, dsn=dsn, home=first.home, pgdata=first.pgdata)
    with serving(first, root, "--also", str(second.project), "--rate", "1000") as server:
        yield server, first, second


@pytest.fixture
def browser(served: Served) -> Browser:
    """Signed in with a token that may write."""
    server, first, _ = served
    browser = Browser(server, first)
    browser.sign_in(token(first, "wanda", "write")[0])
    return browser


def test_every_page_and_every_item_of_a_project_in_full_use_is_shown(served: Served, browser: Browser) -> None:
    with closing(App(served[1])) as app:
        made = [answer for answer in record(app, steps()) if str(answer.get("ref", "")).startswith("w-")]
        first, second, *_ = [answer["ref"] for answer in made]
        OPERATIONS["question"].perform(app, {"id": first, "action": "ask", "whom": "ann", "text": "Which?"})
        OPERATIONS["question"].perform(app, {"id": second, "action": "ask", "whom": "b", "text": "?", "choices": ["c"]})
        OPERATIONS["question"].perform(app, {"id": second, "action": "answer", "verdict": "choose", "choice": "c"})
        OPERATIONS["attach"].perform(app, {"id": first, "url": "https://example.org/plan"})
        OPERATIONS["comment"].perform(app, {"id": first, "action": "add", "text": "A remark."})
        OPERATIONS["log_effort"].perform(app, {"id": second, "minutes": 30})
        OPERATIONS["claim_work_item"].perform(app, {"action": "next"})
        refs = [item["ref"] for item in OPERATIONS["list_work_items"].perform(app, {"limit": 100})["items"]]

    answers = {path: browser.get(path) for path in (*PAGES, *(f"item/{ref}" for ref in refs))}

    assert {path: answer.status for path, answer in answers.items() if answer.status != 200} == {}
    assert "Waits for ann" in answers[f"item/{first}"].body.decode()
    assert "Blocked by" in "".join(answer.body.decode() for answer in answers.values())
    assert 'class="timeline"' in answers["deployments"].body.decode()
    assert f'/item/{first}"><code>{first}</code></a>' in answers["report"].body.decode()
    assert answers["vendors"].body.decode().count('class="plot"') >= 6


@pytest.mark.parametrize("page", PAGES)
def test_every_page_answers_with_headers_that_let_nothing_else_in(browser: Browser, page: str) -> None:
    answer = browser.get(page)

    assert answer.status == 200, answer.body.decode()
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert "style=" not in answer.body.decode()


def test_a_form_creates_an_item_and_sent_twice_it_creates_one(browser: Browser) -> None:
    fields = browser.form("act/create_work_item", "create_work_item") | {"f-item_type": "task", "f-title": "Only once"}

    first, second = (browser.post("act/create_work_item", fields) for _ in range(2))

    assert (first.status, second.status) == (303, 303)
    assert urlsplit(first.headers["location"]).path == urlsplit(second.headers["location"]).path
    assert browser.get("list?text=once").body.decode().count(">Only once<") == 1


def test_renewed_pages_share_all_but_their_command_ids_and_are_never_of_before_a_write(browser: Browser) -> None:
    page = browser.create(title="Renewed")
    moved_to = re.search(r"/events\?at=(\d+)", browser.get("settings").body.decode())
    assert moved_to is not None
    given = {"ledger-moved-to": moved_to[1]}

    first, second = (browser.get(page, **given).body.decode() for _ in range(2))
    browser.post("act/update_work_item", browser.form(page, "update_work_item") | {"f-title": "Changed since"})
    third = browser.get(page, **given).body.decode()

    ids = [set(re.findall(r'name="f-command_id" value="([^"]+)"', text)) for text in (first, second, third)]
    assert len(ids[0]) > 5
    assert not ids[0] & ids[1]
    assert "Changed since" in third


def test_a_stale_form_shows_who_changed_what_and_keeps_what_was_typed(browser: Browser) -> None:
    page = browser.create(title="Before")
    stale = browser.form(page, "update_work_item")
    browser.post("act/update_work_item", stale | {"f-title": "Theirs"})

    refused = browser.post("act/update_work_item", stale | {"f-command_id": "", "f-title": "Mine, typed for long"})
    text = refused.body.decode()
    again = hidden(text)

    assert refused.status == 409
    assert "Mine, typed for long" in text
    assert "wanda" in text
    assert again["f-version"] == "2"
    assert browser.post("act/update_work_item", again | {"f-title": "Mine, typed for long"}).status == 303
    assert "Mine, typed for long" in browser.get(page).body.decode()


def test_what_was_asked_is_answered_where_it_is_listed(browser: Browser) -> None:
    ref = browser.create(title="Ship").rpartition("/")[2]
    asked = {"f-id": ref, "f-action": "ask", "f-whom": "wanda", "f-text": MARKUP, "f-choices": "now"}
    browser.post("act/question", asked)

    page = browser.get("needs-me").body.decode()
    answered = browser.post("act/question", browser.form("needs-me", "question") | {"f-choice": "now"})

    assert ("Ship" in page, "<script>alert" in page) == (True, False)
    assert answered.status == 422  # a token does not answer what it asked itself
    assert "asked" in answered.body.decode()


def test_what_is_planned_is_shown_changed_and_emptied_by_the_forms(browser: Browser) -> None:
    milestone = browser.create(title="Version 1", item_type="milestone").rpartition("/")[2]
    page = browser.create(title="Backup", due="2999-01-03", estimate="90", recurrence="weekly")
    text = browser.get(page).body.decode()
    assert '<input name="f-due" type="date" value="2999-01-03">' in text
    assert "<dt>Estimate</dt><dd>90 minutes</dd>" in text

    change = browser.form(page, "update_work_item") | {"f-title": "Backup", "f-milestone_id": milestone}
    clear = ["due", "not_before", "estimate", "milestone_id", "recurrence"]
    planned = {"f-not_before": "2999-01-01T09:00:00Z", "f-estimate": "60", "_clear": clear}
    assert browser.post("act/update_work_item", change | planned).status == 303
    text = browser.get(page).body.decode()
    assert '<input name="f-due" type="date" value="">' in text
    assert '<input name="f-not_before" type="text" value="2999-01-01T09:00:00.000000Z">' in text
    assert f'name="f-milestone_id" value="{milestone}"' in text
    assert "Comes again</dt>" not in text
    assert "0 of 1 items" in browser.get(f"item/{milestone}").body.decode()


def test_what_is_claimed_is_given_back_by_a_form_that_asks_for_no_length(browser: Browser) -> None:
    page = browser.create(title="Taken")
    claim = browser.form(page, "claim_work_item") | {"f-action": "claim", "f-minutes": "30"}
    assert browser.post("act/claim_work_item", claim).status == 303

    item, board = browser.get(page).body.decode(), browser.get("board").body.decode()
    assert ("Held by" in item, "held by" in board) == (True, True)
    assert "(ended)" not in board
    forms = re.findall(r"/act/claim_work_item\">(.*?)</form>", item, re.S)
    [release] = [form for form in forms if "release" in form]

    assert "f-minutes" not in release
    assert browser.post("act/claim_work_item", hidden(release)).status == 303
    assert "Held by" not in browser.get(page).body.decode()


def test_boxes_of_a_description_are_ticked_on_the_page_of_the_item(browser: Browser) -> None:
    page = browser.create(title="Criteria", description="Done when\n\n- [ ] read\n- [x] written\n- [ ] sent")
    form = browser.form(page, "update_work_item")

    sent = form | {"_boxes": ["0:read", "0:written", "0:sent"], "_ticked": ["0:read", "0:sent"]}
    assert browser.post("act/update_work_item", sent).status == 303

    text = browser.get(page).body.decode()
    assert "2 of 3 are ticked" in text
    assert re.findall(r'value="0:(\w+)" checked', text) == ["read", "sent"]
    refused = browser.post("act/update_work_item", sent | {"f-command_id": "", "_ticked": ["0:written"]})
    again = dict(sent) | hidden(refused.body.decode()) | {"_boxes": sent["_boxes"], "_ticked": ["0:written"]}
    assert (refused.status, browser.post("act/update_work_item", again).status) == (409, 303)
    assert "1 of 3 are ticked" in browser.get(page).body.decode()


def test_as_many_boxes_as_a_description_can_have_are_ticked(browser: Browser) -> None:
    page = browser.create(title="Many", description="- [ ] a\n" * 2400)
    keys = [f"{number}:a" for number in range(2400)]

    sent = browser.post(
        "act/update_work_item", browser.form(page, "update_work_item") | {"_boxes": keys, "_ticked": keys}
    )

    assert sent.status == 303, sent.body[:300]
    assert "2400 of 2400 are ticked" in browser.get(page).body.decode()


def test_a_link_says_nothing_in_the_name_of_the_console(browser: Browser) -> None:
    assert "Saved." in browser.get("board?said=Saved.").body.decode()
    assert "evil" not in browser.get(f"board?said={quote('Your token ended: make one at evil.example')}").body.decode()


def test_effort_is_logged_on_the_page_of_an_item_and_summed_with_what_is_below(browser: Browser) -> None:
    above = browser.create(title="Above")
    below = browser.create(title="Below", parent_id=above.rpartition("/")[2])

    for page, spent in ((above, {"f-minutes": "30", "f-note": MARKUP}), (below, {"f-cost": "0.25"})):
        assert browser.post("act/log_effort", browser.form(page, "log_effort") | spent).status == 303

    text = browser.get(above).body.decode()
    assert "In all: 30 minutes, cost 0.25, over 2 items" in text
    assert MARKUP not in text


def test_control_characters_are_seen_on_a_page_and_come_back_unchanged_from_its_form(browser: Browser) -> None:
    title, description = "Red \x1b[31m\u202eabc", "in \x07 `a \x1b` text"
    page = browser.create(title=title, description=description)

    shown = browser.get(page).body.decode()
    listed = browser.get("list").body.decode()

    assert "Red \\x1b[31m\\u202eabc</h1>" in shown
    assert "in \\x07 <code>a \\x1b</code> text" in shown
    assert ("Red \\x1b[31m\\u202eabc</a>" in listed, "\x1b" in listed) == (True, False)
    assert f'name="f-title" value="{title}"' in shown
    assert f'<textarea name="f-description">{description}</textarea>' in shown


def test_the_list_shows_and_filters_by_due(browser: Browser) -> None:
    for title, due in (("Long since", "2020-01-31"), ("Far away", "2999-01-31")):
        browser.create(title=title, due=due)

    overdue = browser.get("list?overdue=true").body.decode()

    assert "Long since" in overdue
    assert "2020-01-31" in overdue
    assert "Far away" not in overdue
    assert "Far away" not in browser.get("list?due_until=2020-12-31&order=due").body.decode()


def test_the_list_filters_by_what_is_attached(browser: Browser) -> None:
    with_page, without = browser.create(title="Documented"), browser.create(title="Bare of papers")
    ref = with_page.rpartition("/")[2]
    assert browser.post("act/attach", {"f-id": ref, "f-url": "https://example.org/plan"}).status == 303

    shown = browser.get("list?attachment=document").body.decode()

    assert (ref in shown, without.rpartition("/")[2] in shown) == (True, False)


def test_work_is_dropped_and_linked_to_the_wish_it_carries_out(browser: Browser) -> None:
    """On the first day: no administrator has added a state for dropped work."""
    browser.post("act/record_enhancement", {"f-title": "A quieter oven"})
    wish = re.findall(r'id="(e-[^"]+)"><h2 dir="auto">A quieter oven', browser.get("enhancements").body.decode())[0]
    item = browser.create(title="Ask the maker")
    link = browser.form(item, "link_work_items") | {"f-kind": "implements", "f-to_id": wish}

    linked = browser.post("act/link_work_items", link)
    status = {"f-status": "dropped", "f-reason": "they are gone"}
    dropped = browser.post("act/update_work_item", {"f-id": link["f-id"], "f-version": "2", **status})

    assert (linked.status, dropped.status) == (303, 303)
    page = browser.get(item).body.decode()
    assert ("A quieter oven" in page, "they are gone" in page) == (True, True)
    assert f'enhancements#{wish}"' in page
    assert item in browser.get("enhancements").body.decode()


@pytest.mark.parametrize("page", ["list", "board"])
def test_what_a_page_filters_by_leaves_the_others_out(browser: Browser, page: str) -> None:
    browser.create(title="Burning", priority="1")
    browser.create(title="Some day", priority="5")

    shown = browser.get(f"{page}?priority=1").body.decode()

    assert ("Burning" in shown, "Some day" in shown) == (True, False)


def test_what_a_form_records_is_shown_next_on_the_page_that_lists_it_where_it_is_changed(browser: Browser) -> None:
    made = {
        "vendors": browser.post("act/create_vendor", {"f-name": "Acme"}),
        "deployments": browser.post("act/record_deployment", {"f-pr_title": "Acme again"}),
        "enhancements": browser.post("act/record_enhancement", {"f-title": "Acme later"}),
    }

    assert {page: urlsplit(answer.headers["location"]).path.rpartition("/")[2] for page, answer in made.items()} == {
        page: page for page in made
    }
    assert all("Acme" in browser.get(page).body.decode() for page in made)
    change = browser.form("enhancements", "update_enhancement")
    browser.post("act/update_enhancement", change | {"f-changes.status": "approved", "f-changes.priority": "1"})
    assert 'class="chip approved"' in browser.get("enhancements").body.decode()
    [amend] = re.findall(r'href="([^"]+amend_deployment[^"]+)"', browser.get("deployments").body.decode())[:1]
    [more] = re.findall(r'href="([^"]+update_vendor_status[^"]+)"', browser.get("vendors").body.decode())[:1]
    assert '<option value="">unknown</option><option>operational</option>' in browser.get("vendors").body.decode()
    for address in (amend, more):
        assert 'name="f-version" value="1"' in browser.get(unescape(address)).body.decode()


def test_forms_name_operations_as_pages_do_and_offer_what_is_one_of_a_few(browser: Browser) -> None:
    form = browser.get("act/create_work_item").body.decode()

    assert re.findall(r"\b(?:bulk|list|claim)_work_items?\b", form) == []
    assert "“Claim a work item”" in form
    assert '<select name="f-priority">' in form
    assert "<option selected>3</option>" in form


def test_the_list_is_sorted_by_its_heads_and_leaves_out_what_is_finished(browser: Browser) -> None:
    done = browser.create(title="Sorted and done", tags="sorted")
    browser.create(title="Sorted and open", tags="sorted")
    browser.post("act/update_work_item", browser.form(done, "update_work_item") | {"f-status": "completed"})
    heads = re.findall(r'<th scope="col"[^>]*><a href="([^"]+)">', browser.get("list?tag=sorted").body.decode())

    answers = {head: browser.get(f"list{unescape(head)}").body.decode() for head in heads}

    assert [head.rpartition("=")[2] for head in heads] == ["priority", "due", "updated"]
    assert all("2 items" in text and "aria-sort" in text for text in answers.values())
    unfinished = browser.get("list?tag=sorted&only=unfinished").body.decode()
    assert ("Sorted and open" in unfinished, "Sorted and done" in unfinished) == (True, False)


def test_all_that_the_commands_do_with_a_webhook_is_done_on_the_settings_page(served: Served, browser: Browser) -> None:
    assert "Webhooks" not in browser.get("settings").body.decode()  # they are for administrators
    browser.sign_in(token(served[1], "ada", "admin")[0])

    def act(action: str, **fields: str) -> Answer:
        given = {"f-action": action, "f-name": "chat", "_back": f"{browser.base}/settings"}
        return browser.post("act/webhook", given | {f"f-{name}": value for name, value in fields.items()})

    added = act("add", url="https://127.0.0.1:9/confidential", kinds="vendor, WorkItemCreated")

    assert added.status == 200
    assert re.search(r"<code>whsec_[^<]+</code>", added.body.decode())
    page = browser.get("settings").body.decode()
    assert "vendor, WorkItemCreated" in page
    assert "whsec_" not in page and "confidential" not in page
    assert "did%20not%20take" in act("test").headers["location"]
    assert act("pause").status == 303
    page = browser.get("settings").body.decode()
    assert "<td>paused</td>" in page
    offered = set(re.findall(r'name="f-action" value="(\w+)"', page)) | {"add", "pause"}
    assert offered == set(get_args(WebhookInput.model_fields["action"].annotation))
    assert act("resume").status == 303
    assert "sent%20again" in act("replay", position="0").headers["location"]
    rotated = act("rotate", hours="2").body.decode()
    assert re.findall(r"whsec_[^<]+", rotated) != re.findall(r"whsec_[^<]+", added.body.decode())
    assert "The former one signs beside it until" in rotated
    assert act("delete").status == 303
    assert "Nothing is sent anywhere" in browser.get("settings").body.decode()


def test_administrators_make_and_revoke_tokens_on_the_settings_page(served: Served, browser: Browser) -> None:
    assert "/tokens/" not in browser.get("settings").body.decode()
    assert browser.post("tokens/make", {"actor": "eve", "scope": "admin"}).status == 403  # it may write, no more
    browser.sign_in(token(served[1], "ada", "admin")[0])
    wanted = {"actor": f"new {MARKUP}", "scope": "read", "days": "7"}

    made = browser.post("tokens/make", wanted).body.decode()
    [secret] = re.findall(r"<code>(tl_[^<]+)</code>", made)
    newcomer = Browser(served[0], served[1])

    assert "<script>alert" not in made
    assert newcomer.sign_in(secret).status == 303
    page = browser.get("settings").body.decode()
    assert secret not in page and "<script>alert" not in page and "in 6 days" in page
    [id] = re.findall(r'value="([0-9a-f]+)"><button aria-label="Revoke [0-9a-f]+ of new', page)
    assert browser.post("tokens/revoke", {"id": id}, origin="https://evil.example").status == 403
    assert newcomer.get("board").status == 200
    assert browser.post("tokens/revoke", {"id": id}).status == 303
    assert newcomer.get("board").headers["location"] == "/sign-in"


@pytest.mark.parametrize("wrong", [{"actor": " "}, {"scope": "root"}, {"days": "0"}, {"days": "9" * 5000}])
def test_a_token_that_the_command_would_refuse_is_not_made(served: Served, wrong: dict[str, str]) -> None:
    browser = Browser(served[0], served[1])
    browser.sign_in(token(served[1], "ada", "admin")[0])

    refused = browser.post("tokens/make", {"actor": "mallory", "scope": "read", "days": ""} | wrong)

    assert refused.status == 422
    assert next(iter(wrong)) in refused.body.decode()
    assert "mallory" not in browser.get("settings").body.decode()


def test_markup_in_any_field_is_text(browser: Browser) -> None:
    page = browser.create(title=MARKUP, description=MARKUP, assignee=MARKUP, tags="a<b>")
    browser.post("act/comment", browser.form(page, "comment") | {"f-text": MARKUP + "\n\n[x](javascript:alert(3))"})

    for path in (page, "board", "list", "log", "report", f"list?text={urlencode({'x': MARKUP})[2:]}"):
        text = browser.get(path).body.decode()
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert 'href="javascript:' not in text, path


def test_markup_from_other_programs_is_text_on_every_page(served: Served, browser: Browser) -> None:
    with closing(App(served[1])) as app:

        def did(operation: str, /, **arguments: Any) -> dict[str, Any]:
            return OPERATIONS[operation].perform(app, {"by": MARKUP, **arguments})

        texts = {"title": MARKUP, "description": MARKUP, "tags": ["a<b>"], "assignee": MARKUP, "branch_name": MARKUP}
        milestone = did("create_work_item", item_type="milestone", title=MARKUP)
        item = did("create_work_item", item_type="task", milestone_id=milestone["id"], **texts)
        did("claim_work_item", action="claim", id=item["id"])
        did("update_work_item", id=item["id"], version=2, status="blocked", reason=MARKUP, notes=MARKUP)
        did("attach", id=item["id"], url="https://example.org/?" + MARKUP.replace(" ", ""), name=MARKUP)
        did("log_effort", id=item["id"], minutes=1, note=MARKUP)
        did("question", id=item["id"], action="ask", whom=MARKUP, text=MARKUP, choices=[MARKUP, "b"])
        did("link_work_items", id=milestone["id"], kind="blocks", to_id=item["id"])
        did("create_vendor", name="Marked up", extractor_version=MARKUP[:50])
        did("record_deployment", pr_title=MARKUP, environment=MARKUP, test_summary={MARKUP: 1})
        did("record_enhancement", title=MARKUP, description=MARKUP, priority=1, principles=["I"])

    lanes = [f"board?lanes={by}" for by in pages.LANES]
    for path in (*PAGES, *lanes, f"item/{item['ref']}", f"item/{milestone['ref']}", f"list?tag={quote(MARKUP)}"):
        answer = browser.get(path)
        assert answer.status == 200, path
        assert not re.search("<script>|<img src=x", answer.body.decode()), path


def test_a_form_of_another_site_is_not_taken(browser: Browser) -> None:
    fields = {"f-item_type": "task", "f-title": "Forged"}

    assert browser.post("act/create_work_item", fields, origin="https://evil.example").status == 403
    assert browser.post("act/create_work_item", fields, origin="null").status == 403
    assert "Forged" not in browser.get("list").body.decode()


def test_without_a_cookie_there_is_the_sign_in_and_nothing_else(served: Served) -> None:
    stranger = Browser(served[0], served[1])

    assert stranger.get("/").headers["location"] == "/sign-in"
    assert stranger.get("board").headers["location"] == "/sign-in"
    assert stranger.get("events").headers["location"] == "/sign-in"
    assert (
        stranger.post("act/create_work_item", {"f-item_type": "task", "f-title": "x"}).headers["location"] == "/sign-in"
    )
    assert stranger.sign_in("tl_wrong").status == 403


def test_another_ledger_is_as_good_as_none(served: Served, browser: Browser) -> None:
    elsewhere = f"/l/{identity.find(served[2].project).ledger}"

    assert browser.get(f"{elsewhere}/board").status == 404
    assert browser.post(f"{elsewhere}/act/create_work_item", {"f-item_type": "task", "f-title": "x"}).status == 404


@pytest.mark.parametrize("ref", ["w-zzzzz", "w-none", "%3Cscript%3E", "..%2Fboard"])
def test_an_item_that_is_none_is_not_found(browser: Browser, ref: str) -> None:
    answer = browser.get(f"item/{ref}")

    assert (answer.status, "<script>" in answer.body.decode()) == (404, False)


def test_a_revoked_token_is_out_of_every_open_page(served: Served) -> None:
    server, first, _ = served
    browser = Browser(server, first)
    secret, id = token(first, "rob", "write")
    browser.sign_in(secret)
    assert browser.get("board").status == 200

    app_home = identity.home(identity.find(first.project), first)
    tokens = Tokens(app_home)
    tokens.revoke(id, _now())

    assert browser.get("board").headers["location"] == "/sign-in"


def test_the_stream_of_an_open_page_ends_with_its_token(served: Served) -> None:
    server, first, _ = served
    browser = Browser(server, first)
    secret, id = token(first, "rob", "write")
    browser.sign_in(secret)
    connection = browser.server.connection()
    connection.request("GET", f"{browser.base}/events", None, {"cookie": browser.cookie})
    answer = connection.getresponse()
    assert answer.readline() == b": connected\n"

    Tokens(identity.home(identity.find(first.project), first)).revoke(id, _now())

    assert answer.read().count(b"event:") <= 1  # it ends, which read waits for
    connection.close()


def test_a_field_of_a_megabyte_is_refused_and_nothing_is_recorded(browser: Browser) -> None:
    huge = "x" * 1_000_000

    refused = browser.post("act/create_work_item", {"f-item_type": "task", "f-title": huge})

    assert refused.status == 422
    assert "title" in refused.body.decode()
    assert browser.post("act/create_work_item", {"f-title": huge * 5}).status in (400, 413)
    assert huge[:300] not in browser.get("list").body.decode()


def test_a_page_is_asked_by_the_names_of_the_server_only(browser: Browser) -> None:
    assert browser.get("board", host="evil.example").status in (403, 421)


def test_what_is_sent_is_small(browser: Browser) -> None:
    packed = browser.get("board", **{"accept-encoding": "gzip"})

    assert packed.headers["content-encoding"] == "gzip"
    assert b"Board" in gzip.decompress(packed.body)


def test_a_token_that_only_reads_sees_no_forms_and_writes_nothing(
    served: Served,
) -> None:
    server, first, _ = served
    browser = Browser(server, first)
    browser.sign_in(token(first, "rita", "read")[0])

    assert "/act/" not in browser.get("board").body.decode()
    assert browser.get("act/create_work_item").status == 403
    assert browser.post("act/create_work_item", {"f-item_type": "task", "f-title": "x"}).status == 403


def test_a_link_signs_in_once(served: Served) -> None:
    server, first, _ = served
    home = identity.home(identity.find(first.project), first)
    nonce = ConsoleLinks(home).make([token(first, "lena", "write")[0]], _now())
    browser = Browser(server, first)

    first_time, second_time = (browser.get(f"/enter?once={nonce}") for _ in range(2))

    assert (first_time.status, second_time.status) == (303, 403)
    cookie = first_time.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie


def test_open_leads_to_all_projects_of_this_user_and_a_search_looks_in_each(served: Served) -> None:
    server, *projects = served
    browser = Browser(server, projects[0])
    announced = identity.home(identity.find(projects[0].project), projects[0]) / console_server.FILE
    announced.write_bytes(msgspec.json.encode(console_server.Address(url=browser.origin, process=0)))
    for settings in projects:
        assert run(settings, "add", f"Everywhere, also in {settings.project.name}").exit_code == 0

    opened = json.loads(run(projects[0], "--json", "open", "--print").stdout)
    entered = browser.get(opened["link"].removeprefix(browser.origin))
    browser.cookie = entered.headers["set-cookie"].partition(";")[0]
    home = browser.get("/").body.decode()
    found = browser.get("/?text=everywhere").body.decode()
    nothing = browser.get("/?text=nowhere").body.decode()

    for settings in projects:
        assert f'/l/{identity.find(settings.project).ledger}/board" dir="auto">{settings.project.name}</a>' in home
        assert f"Everywhere, also in {settings.project.name}" in found
    assert "No item of any project" in nothing


def test_a_running_console_takes_in_projects_that_come_later(tmp_path: Path, dsn: str) -> None:
    earlier = project(tmp_path / "earlier", dsn)
    file = identity.home(identity.find(earlier.project), earlier) / console_server.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with serving(earlier, tmp_path, "--announce", str(file)) as server:
        browser = Browser(server, earlier)
        later = project(tmp_path / "later", dsn)
        later = Settings(project=later.project, dsn=dsn, home=earlier.home, pgdata=earlier.pgdata)
        assert run(later, "add", "Came later").exit_code == 0

        opened = json.loads(run(earlier, "--json", "open", "--print").stdout)
        entered = browser.get(opened["link"].removeprefix(browser.origin))
        browser.cookie = entered.headers["set-cookie"].partition(";")[0]

        assert opened["url"] == browser.origin  # it is the one that ran before
        assert "Came later" in browser.get("/?text=later").body.decode()
        assert browser.get(f"/l/{identity.find(later.project).ledger}/board").status == 200


def test_the_board_is_parted_and_filtered_by_milestones(browser: Browser) -> None:
    milestone = browser.create(title="Version 9", item_type="milestone").rpartition("/")[2]
    browser.create(title="Needed for nine", milestone_id=milestone)

    parted = browser.get("board?lanes=milestone").body.decode()
    filtered = browser.get(f"board?milestone_id={milestone}").body.decode()

    assert '<h2 dir="auto">Version 9</h2>' in parted
    assert ("Needed for nine" in filtered, filtered.count("<article")) == (True, 1)


def test_an_earlier_point_is_shown_without_forms(browser: Browser) -> None:
    page = browser.create(title="As it was")
    browser.post("act/update_work_item", browser.form(page, "update_work_item") | {"f-title": "As it is"})
    position = re.search(r"Position (\d+)", browser.get("log").body.decode())
    assert position is not None

    earlier = browser.get(f"{page}?as_of={int(position[1]) - 1}").body.decode()

    assert "As it was" in earlier
    assert "/act/" not in earlier
    assert f"log?since={int(position[1]) - 1}" in earlier
    assert f"Position {int(position[1]) - 1}." in browser.get(f"log?as_of={int(position[1]) - 1}").body.decode()
    for name in PAGES:
        answer = browser.get(f"{name}?as_of={int(position[1]) - 1}")
        assert (answer.status, "read only" in answer.body.decode()) == (200, True), name
        assert "/act/" not in answer.body.decode(), name
    assert re.search(r'<input type="range" name="as_of" min="1" max="\d+" value="\d+">', earlier)


def test_every_page_of_an_earlier_point_shows_what_was_there_and_leads_on_within_it(
    served: Served, browser: Browser
) -> None:
    with closing(App(served[1])) as app:
        item = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Wait for wanda"})
        begun = OPERATIONS["claim_work_item"].perform(app, {"action": "claim", "id": item["id"], "by": "wanda"})
        OPERATIONS["question"].perform(
            app, {"id": item["id"], "action": "ask", "whom": "wanda", "text": "Now or then?"}
        )
        before = begun["position"]
        OPERATIONS["record_deployment"].perform(app, {"pr_title": "Went out later"})
        OPERATIONS["record_enhancement"].perform(app, {"title": "Was wished later"})
        version = OPERATIONS["get_project_configuration"].perform(app, {})["version"]
        changed = {"version": version, "settings": {"lease_minutes": 77}}
        OPERATIONS["update_project_configuration"].perform(app, changed)
        after = OPERATIONS["sync_state"].perform(app, {})["position"]

    def then(page: str, position: int) -> str:
        return browser.get(f"{page}{'&' if '?' in page else '?'}as_of={position}").body.decode()

    for page, words in {
        "needs-me": "Now or then?",
        "deployments": "Went out later",
        "enhancements": "Was wished later",
        "report": "Went out later",
        "settings": ">77<",
    }.items():
        assert (words in then(page, before), words in then(page, after)) == (False, True), page
    assert "claimed" in then(f"item/{item['ref']}", before).lower()
    assert f"item/{item['ref']}?as_of={before}" in then("needs-me", before)
    between = then(f"log?since={before}", after)
    assert ("Wait for wanda" in between, "Was wished later" in between) == (True, True)
    assert "Was wished later" not in then(f"log?since={before}", before + 1)
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    of_a_moment = browser.get(f"board?tag=a&as_of={quote(moment)}").body.decode()
    assert f"log?since={after}" in of_a_moment
    assert 'name="tag" value="a"' in of_a_moment
    for point in ("last week", "²", "9" * 5000, "-1", "1_0", "0001-01-01T00:00:00+23:00"):
        hostile = {browser.get(f"{page}={quote(point)}").status for page in ("log?since", "log?as_of", "board?as_of")}
        assert hostile <= {414, 422}, point[:30]


def test_what_is_written_elsewhere_is_on_the_stream(browser: Browser) -> None:
    browser.create(title="There before")
    connection = browser.server.connection()
    connection.request("GET", f"{browser.base}/events", None, {"cookie": browser.cookie, "last-event-id": "0"})
    answer = connection.getresponse()
    lines = iter(answer.readline, b"")

    result = [line for line in (next(lines) for _ in range(6)) if line.strip()]
    browser.create(title="Live")
    more = [line for line in (next(lines) for _ in range(4)) if line.strip()]
    connection.close()

    assert b"event: moved\n" in result
    assert b"event: moved\n" in more


def _now() -> datetime:
    return datetime.now(UTC)
