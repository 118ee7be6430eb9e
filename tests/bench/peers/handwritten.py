"""A hand-written receiver with FastAPI and SQLAlchemy: one endpoint, one ORM object and one commit for each callback.

The endpoint is `async` and commits on the event loop. With a plain `def` FastAPI's threads would wait for each other's
lock on the SQLite file, which is slower.
"""

import os
import xmlrpc.client
from typing import Any

from fastapi import FastAPI, Request, Response
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The base class of the tables."""


class Cdr(Base):
    """One call record, with a column for each field; the document's example lacks the last ones."""

    __tablename__ = "cdrs"

    id: Mapped[int] = mapped_column(primary_key=True)
    ivruniqueid: Mapped[str] = mapped_column(index=True)
    caller: Mapped[str]
    target: Mapped[str]
    time: Mapped[int]
    duration: Mapped[int]
    type: Mapped[str]
    status: Mapped[str]
    targetextension: Mapped[str | None]
    callerextension: Mapped[str]
    did: Mapped[str]
    queueid: Mapped[int]
    queuename: Mapped[str]
    record: Mapped[str | None]
    price: Mapped[int | None]
    dialtime: Mapped[int | None]
    representative_name: Mapped[str | None]
    representative_code: Mapped[str | None]
    targetextension_name: Mapped[str | None]
    callerextension_name: Mapped[str | None]
    target_country: Mapped[str | None]
    caller_country: Mapped[str | None]


engine = create_engine(os.environ["BENCH_DATABASE_URL"])


@event.listens_for(engine, "connect")
def _durable(connection: Any, _record: object) -> None:
    """The receiver's durability: each commit is on disk."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


Base.metadata.create_all(engine)
app = FastAPI()


@app.post("/voicenter")
async def receive(request: Request) -> Response:
    """Store a call record and acknowledge it."""
    params, _method = xmlrpc.client.loads(await request.body())
    fields: dict[str, Any] = params[0]  # type: ignore[assignment]  # typeshed knows no values
    with Session(engine) as session:
        session.add(Cdr(**fields))
        session.commit()
    reply = xmlrpc.client.dumps(({"err": 0, "errdesc": "OK"},), methodresponse=True)
    return Response(reply, media_type="text/xml")
