"""The peer's own way to rebuild a read model: its projection runner, one transaction an event."""

import time
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

PUT = (
    "INSERT INTO peer_view VALUES (%s, 1, %s)"
    " ON CONFLICT (id) DO UPDATE SET changes = peer_view.changes + 1, text = excluded.text"
)


class Task(Aggregate):
    @event("Opened")
    def __init__(self, text: str) -> None:
        self.text = text

    @event("Edited")
    def edit(self, text: str) -> None:
        self.text = text


class Tasks(Application[UUID]):
    name = "tasks"


class View(PostgresTrackingRecorder):
    def __init__(self, datastore: Any, **given: Any) -> None:
        super().__init__(datastore, **given)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS peer_view (id uuid PRIMARY KEY, changes bigint, text text)")
        )

    def put(self, id: UUID, text: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(PUT, (id, text), prepare=True)


class Shown(Projection[View]):
    name = "peer_view"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.put(domain_event.originator_id, domain_event.text, tracking)


def rebuild(conninfo: str, events: int) -> tuple[int, float]:
    parameters = psycopg.conninfo.conninfo_to_dict(conninfo)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parameters["dbname"]),
        "POSTGRES_HOST": str(parameters["host"]),
        "POSTGRES_PORT": str(parameters["port"]),
        "POSTGRES_USER": str(parameters["user"]),
        "POSTGRES_PASSWORD": "none",
    }
    with psycopg.connect(conninfo) as connection:
        for table in ("peer_view", "peer_view_tracking", "tasks_events"):
            connection.execute(SQL("DROP TABLE IF EXISTS {} CASCADE").format(psycopg.sql.Identifier(table)))
    application = Tasks(env=environment)
    last = 0
    for _ in range(events // 50):
        task = Task("An ordinary text. " * 20)
        for _ in range(49):
            task.edit("An ordinary text. " * 20)
        last = application.save(task)[-1].notification.id
    before = time.perf_counter()
    with ProjectionRunner(application_class=Tasks, projection_class=Shown, view_class=View, env=environment) as runner:
        runner.wait(last, timeout=120)
        taken = time.perf_counter() - before
    application.close()
    return events, taken
