"""The FastAPI peer's inventory: sync endpoints, SQLAlchemy ORM, SQLite, pydantic models."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pathlib
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

PUBLIC_KEY = pathlib.Path(os.environ["PEER_PUBLIC_KEY"]).read_text()
log = logging.getLogger("access")
logging.basicConfig(level=logging.INFO, format="%(message)s")

engine = create_engine(os.environ["PEER_DATABASE_URL"], pool_size=40)
Sessions = sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine, "connect")
def configure(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


class Base(DeclarativeBase):
    pass


class DeviceRow(Base):
    __tablename__ = "devices"
    identifier: Mapped[str] = mapped_column(String(128), primary_key=True)
    uid: Mapped[str]
    name: Mapped[str]
    device_type: Mapped[str] = mapped_column(index=True)
    manufacturer: Mapped[str | None]
    model: Mapped[str | None]
    sw_version: Mapped[str | None]
    serial_number: Mapped[str | None]
    status: Mapped[str] = mapped_column(index=True)
    identifiers: Mapped[list[Any]] = mapped_column(JSON)
    connections: Mapped[list[Any]] = mapped_column(JSON)
    labels: Mapped[list[Any]] = mapped_column(JSON)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int]


Base.metadata.create_all(engine)


class Pair(BaseModel):
    domain: str
    value: str


class Connection(BaseModel):
    type: str
    value: str


class NewDevice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    identifier: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    device_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    manufacturer: str | None = None
    model: str | None = None
    sw_version: str | None = None
    serial_number: str | None = None
    status: str = "active"
    identifiers: list[Pair] = []
    connections: list[Connection] = []
    labels: list[str] = []
    attributes: dict[str, Any] = {}


class Device(NewDevice):
    model_config = ConfigDict(from_attributes=True)
    uid: str
    created_at: datetime
    updated_at: datetime
    revision: int


class Page(BaseModel):
    items: list[Device]
    next: str | None


app = FastAPI(docs_url=None, redoc_url=None)


@app.middleware("http")
async def tell(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    response = await call_next(request)
    response.headers["X-Request-Id"] = request.headers.get("x-request-id", uuid.uuid4().hex)
    milliseconds = round((time.perf_counter() - started) * 1000, 2)
    line = {"path": request.url.path, "status": response.status_code, "ms": milliseconds}
    log.info(json.dumps(line))
    return response


def claims(request: Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        return jwt.decode(token, PUBLIC_KEY, algorithms=["EdDSA"], audience="inventory")
    except jwt.PyJWTError as exc:
        raise HTTPException(401, headers={"WWW-Authenticate": scheme or "Bearer"}) from exc


def scope(name: str) -> Any:
    def check(found: Annotated[dict[str, Any], Depends(claims)]) -> None:
        if name not in found["scope"].split():
            raise HTTPException(403)

    return Depends(check)


def session() -> Iterator[Session]:
    with Sessions() as session:
        yield session


Db = Annotated[Session, Depends(session)]


def tag(device: Device) -> str:
    return f'"{hashlib.blake2b(device.model_dump_json().encode(), digest_size=12).hexdigest()}"'


@app.get("/v1/devices", dependencies=[scope("devices:read")])
def list_devices(
    db: Db, limit: Annotated[int, Query(ge=1, le=1000)] = 50, cursor: str = ""
) -> Page:
    query = select(DeviceRow).where(DeviceRow.identifier > cursor)
    rows = db.scalars(query.order_by(DeviceRow.identifier).limit(limit + 1)).all()
    items = [Device.model_validate(row) for row in rows[:limit]]
    return Page(items=items, next=items[-1].identifier if len(rows) > limit else None)


@app.get("/v1/devices/{identifier}", dependencies=[scope("devices:read")])
def get_device(identifier: str, db: Db, response: Response) -> Device:
    row = db.get(DeviceRow, identifier)
    if row is None:
        raise HTTPException(404)
    device = Device.model_validate(row)
    response.headers["ETag"] = tag(device)
    return device


@app.post("/v1/devices", status_code=201, dependencies=[scope("devices:write")])
def create_device(body: NewDevice, db: Db, response: Response) -> Device:
    if db.get(DeviceRow, body.identifier) is not None:
        raise HTTPException(409)
    now = datetime.now(UTC)
    row = DeviceRow(
        **body.model_dump(), uid=str(uuid.uuid4()), created_at=now, updated_at=now, revision=1
    )
    db.add(row)
    db.commit()
    device = Device.model_validate(row)
    response.headers["ETag"] = tag(device)
    response.headers["Location"] = f"/v1/devices/{device.identifier}"
    return device


@app.get("/health/ready")
def ready() -> dict[str, str]:
    return {"status": "ok"}
