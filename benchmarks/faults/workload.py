"""A client at work: it takes its steps one after another, and keeps a receipt of everything that it was told."""

import threading
import time
from uuid import UUID

from msgspec import Struct

from benchmarks.faults.channels import CHANNELS, Answer, Lost
from benchmarks.faults.machines import Item, Machine
from benchmarks.faults.plan import Client, Kind, Step

DEFINITE = ("committed", "queued")
IN_PEACE = "repeated in peace"  # the end of such a step's name
UNKNOWN = ("outcome_unknown", "lost")


class Receipt(Struct, kw_only=True):
    """One call and what came of it; `answer` None is a call without an answer, and `ended_itself` says how a process
    ended over it that was not killed. `title` is what must be seen: of an item that only this client changes.
    `version` is that of the program that was asked."""

    client: int
    machine: int
    kind: Kind
    step: str
    command_id: str | None
    tool: str
    arguments: Answer
    begun: float
    ended: float
    answer: Answer | None
    entity: str | None = None
    title: str | None = None
    is_certain: bool = False
    ended_itself: str = ""
    version: str = ""

    @property
    def code(self) -> str:
        """The outcome, or the code of the error."""
        if self.answer is None:
            return "lost"
        error = self.answer.get("error")
        return str(error["code"]) if error else str(self.answer.get("outcome", "answered"))


class Worker(threading.Thread):
    """One client. `shared` are items that all clients write to; `secret` tells its claims from those of others."""

    def __init__(
        self,
        number: int,
        client: Client,
        machine: Machine,
        shared: list[Answer],
        secret: str,
    ) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.number = number
        self.client = client
        self.channel = CHANNELS[client.kind](machine, f"client {number}", secret)
        self.receipts: list[Receipt] = []
        self.failure: BaseException | None = None
        self._machine = machine
        self._shared = [dict(item) for item in shared]
        self._own: list[Item] = []

    def run(self) -> None:
        try:
            for number, step in enumerate(self.client.steps):
                time.sleep(step.pause)
                getattr(self, f"_{step.kind}")(step, f"{self.number}.{number}")
        except BaseException as error:  # a fault of these runs, which their report names
            self.failure = error

    def repeat_unknown(self) -> None:
        """Everything works again: each command without a definite answer must get one."""
        last = {receipt.command_id: receipt for receipt in self.receipts if receipt.command_id}
        for first in last.values():
            if first.code in UNKNOWN:
                self._receipt(f"{first.step} {IN_PEACE}", first.command_id, first.tool, first.arguments)

    def _create(self, step: Step, title: str) -> None:
        arguments = {"item_type": "task", "title": title}
        receipt = self._call(step, "create_work_item", arguments, title=title)
        self._keep(receipt, title)

    def _update(self, step: Step, title: str) -> None:
        if not self._own:
            return
        item = self._own[step.draw % len(self._own)]
        arguments = {"id": item.ref, "version": item.version, "title": title}
        receipt = self._call(step, "update_work_item", arguments, item=item, title=title)
        self._learn(item, receipt, title)

    def _unchanged(self, step: Step, _: str) -> None:
        if not self._own:
            return
        item = self._own[step.draw % len(self._own)]
        arguments = {"id": item.ref, "version": item.version, "title": item.title}
        receipt = self._call(step, "update_work_item", arguments, item=item, title=item.title)
        self._learn(item, receipt, item.title)

    def _read(self, step: Step, _: str) -> None:
        if self._own:
            item = self._own[step.draw % len(self._own)]
            receipt = self._call(step, "query_work_item", {"id": item.ref}, item=item, title=item.title, writes=False)
            if receipt.code == "answered" and receipt.answer is not None:
                item.version, item.title = receipt.answer["version"], receipt.answer["title"]

    def _read_of_machine(self, step: Step, _: str) -> None:
        """That it is there; its title may be changed by the other at this moment."""
        items = list(self._machine.items)
        if items:
            item = items[step.draw % len(items)]
            self._call(step, "query_work_item", {"id": item.ref}, item=item, writes=False)

    def _update_shared(self, step: Step, title: str) -> None:
        shared = self._shared[step.draw % len(self._shared)]
        field = ("title", "notes", "assignee")[step.draw % 3]
        arguments = {"id": shared["ref"], "version": shared["version"], field: title}
        receipt = self._call(step, "update_work_item", arguments)
        if receipt.code in DEFINITE and receipt.answer is not None:
            shared["version"] = receipt.answer["version"]
        elif receipt.code == "version_conflict" and receipt.answer is not None:
            shared["version"] = receipt.answer["error"]["details"].get("actual", shared["version"])

    def _claim(self, step: Step, _: str) -> None:
        shared = self._shared[step.draw % len(self._shared)]
        self._call(step, "claim_work_item", {"action": "claim", "id": shared["ref"], "minutes": 1})

    def _release(self, step: Step, _: str) -> None:
        shared = self._shared[step.draw % len(self._shared)]
        self._call(step, "claim_work_item", {"action": "release", "id": shared["ref"]})

    def _vendor(self, step: Step, _: str) -> None:
        """Of a few names, so that most are taken."""
        self._call(step, "create_vendor", {"name": f"Vendor {step.draw % 4}"})

    def _invalid(self, step: Step, title: str) -> None:
        """What no state could accept."""
        choices: tuple[tuple[str, Answer], ...] = (
            ("create_work_item", {"item_type": "task", "title": "x" * 201}),
            ("create_work_item", {"item_type": "session", "title": title, "metadata": {"token_budget": -1}}),
            ("update_work_item", {"id": self._shared[0]["ref"], "version": 1, "status": "blocked"}),
            ("update_work_item", {"id": str(UUID(int=step.draw)), "version": 1, "title": title}),
            ("create_vendor", {"name": " "}),
        )
        tool, arguments = choices[step.draw % len(choices)]
        self._call(step, tool, arguments)

    def _repeat(self, step: Step, _: str) -> None:
        """The same call with the same id, sooner or later after the first."""
        writes = [receipt for receipt in self.receipts if receipt.command_id is not None]
        if not writes:
            return
        unclear = [receipt for receipt in writes[-6:] if receipt.code in ("lost", "outcome_unknown", "unavailable")]
        first = (unclear or writes[-8:])[step.draw % len(unclear or writes[-8:])]
        is_known = any(receipt.code in DEFINITE for receipt in writes if receipt.command_id == first.command_id)
        again = self._receipt(first.step, first.command_id, first.tool, first.arguments)
        again.entity, again.title = first.entity, first.title
        for item in self._own:
            if item.id == first.entity and first.title and first.step == "update" and not is_known:
                self._learn(item, again, first.title)
        made = (again.answer or {}).get("id")
        if first.step == "create" and first.title and all(item.id != made for item in self._own):
            self._keep(again, first.title, is_certain=False)

    def _call(
        self,
        step: Step,
        tool: str,
        arguments: Answer,
        *,
        item: Item | None = None,
        title: str | None = None,
        writes: bool = True,
    ) -> Receipt:
        is_certain = item is not None and item.is_certain
        receipt = self._receipt(step.kind, str(step.command_id) if writes else None, tool, arguments)
        receipt.entity, receipt.title = item.id if item else None, title
        receipt.is_certain = is_certain
        return receipt

    def _receipt(self, step: str, command_id: str | None, tool: str, arguments: Answer) -> Receipt:
        begun = time.monotonic()
        given = arguments | ({"command_id": command_id} if command_id else {})
        ended = ""
        try:
            answer = self.channel.call(tool, given)
        except Lost as lost:
            answer, ended = None, str(lost)
        receipt = Receipt(
            client=self.number,
            machine=self.client.machine,
            kind=self.client.kind,
            step=step,
            command_id=command_id,
            tool=tool,
            arguments=arguments,
            begun=begun,
            ended=time.monotonic(),
            answer=answer,
            ended_itself=ended,
            version=self.channel.version,
        )
        self.receipts.append(receipt)
        return receipt

    def _keep(self, receipt: Receipt, title: str, *, is_certain: bool = True) -> None:
        if receipt.code in DEFINITE and receipt.answer is not None:
            answer = receipt.answer
            item = Item(ref=answer["ref"], id=answer["id"], version=answer["version"], title=title)
            item.is_certain = is_certain
            self._own.append(item)
            self._machine.items.append(item)

    def _learn(self, item: Item, receipt: Receipt, title: str) -> None:
        if receipt.code in DEFINITE and receipt.answer is not None:
            item.version, item.title = receipt.answer["version"], title
        elif receipt.code not in ("unavailable", "unchanged"):
            item.is_certain = False
