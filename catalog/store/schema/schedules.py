"""Schedules, and a task for each time one was due."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Text, UniqueConstraint, false
from sqlmodel import Field

from catalog.store.schema.base import Table, id_column


class Schedule(Table, table=True):
    """When a silo is crawled, and how. `expression` is read in the time zone `zone`.

    `due_ns` is the next time it names and `starts_ns` that time with its jitter; both are NULL when there is none.
    Whoever moves `due_ns` on makes the task: the one whose UPDATE still found the old value.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    name: str = Field(sa_type=Text, unique=True)
    silo_id: int = Field(sa_column=id_column("silo_id", "silo.id"))
    expression: str = Field(sa_type=Text)
    zone: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    inspect: str = Field(sa_type=Text)
    share: int
    classify: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()), default=False)
    runner: str | None = Field(sa_type=Text, default=None)
    jitter_s: int = Field(sa_type=BigInteger)
    timeout_s: int | None = Field(sa_type=BigInteger, default=None)
    overlap: str = Field(sa_type=Text)
    misfire: str = Field(sa_type=Text)
    retries: int
    added_ns: int = Field(sa_type=BigInteger)
    paused_ns: int | None = Field(sa_type=BigInteger, default=None)
    due_ns: int | None = Field(sa_type=BigInteger, default=None)
    starts_ns: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = (Index("ix_schedule_silo_id", "silo_id"),)


class Task(Table, table=True):
    """One time that a schedule was due: made once, whoever noticed it.

    Whoever takes it draws a random `claim` and names it to renew its lease or to end the task: a worker whose lease
    ran out changes nothing any more. `failures` counts against the schedule's retries. `attempts` is a JSON list
    of the tries that ended, `reason` why the last of them ended as it did. Ended tasks have `ended_ns`.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    schedule_id: int = Field(sa_column=id_column("schedule_id", "schedule.id"))
    due_ns: int = Field(sa_type=BigInteger)
    cause: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    starts_ns: int = Field(sa_type=BigInteger)
    failures: int = Field(default=0)
    claim: int | None = Field(sa_type=BigInteger, default=None)
    worker: str | None = Field(sa_type=Text, default=None)
    lease_ns: int | None = Field(sa_type=BigInteger, default=None)
    started_ns: int | None = Field(sa_type=BigInteger, default=None)
    ended_ns: int | None = Field(sa_type=BigInteger, default=None)
    crawl_id: int | None = Field(sa_type=BigInteger, default=None)
    reason: str = Field(sa_type=Text, default="")
    note: str = Field(sa_type=Text, default="")
    attempts: str = Field(sa_type=Text, default="[]")

    __table_args__ = (
        UniqueConstraint("schedule_id", "due_ns"),
        Index("ix_task_state_starts_ns", "state", "starts_ns"),
    )
