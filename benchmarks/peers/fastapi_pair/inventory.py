"""The FastAPI peer's inventory: sync endpoints, SQLAlchemy ORM, SQLite, pydantic models."""

from __future__ import annotations

import hashlib
import os
import pathlib
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, String, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from benchmarks.peers.fastapi_pair.access_log import Telling
from benchmarks.peers.fastapi_pair.models import NewDevice

PUBLIC_KEY = load_pem_public_key(pathlib.Path(os.environ["PEER_PUBLIC_KEY"]).read_bytes())

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
app.add_middleware(Telling)


async def claims(request: Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        return jwt.decode(token, PUBLIC_KEY, algorithms=["EdDSA"], audience="inventory")
    except jwt.PyJWTError as exc:
        raise HTTPException(401, headers={"WWW-Authenticate": scheme or "Bearer"}) from exc


def scope(name: str) -> Any:
    async def check(found: Annotated[dict[str, Any], Depends(claims)]) -> None:
        if name not in found["scope"].split():
            raise HTTPException(403)

    return Depends(check)


def tag(device: Device) -> str:
    return f'"{hashlib.blake2b(device.model_dump_json().encode(), digest_size=12).hexdigest()}"'


@app.get("/v1/devices", dependencies=[scope("devices:read")])
def list_devices(limit: Annotated[int, Query(ge=1, le=1000)] = 50, cursor: str = "") -> Page:
    query = select(DeviceRow).where(DeviceRow.identifier > cursor)
    with Sessions() as db:  # as a dependency, it would cost two more hops to a thread
        rows = db.scalars(query.order_by(DeviceRow.identifier).limit(limit + 1)).all()
    items = [Device.model_validate(row) for row in rows[:limit]]
    return Page(items=items, next=items[-1].identifier if len(rows) > limit else None)


@app.get("/v1/devices/{identifier}", dependencies=[scope("devices:read")])
def get_device(identifier: str, response: Response) -> Device:
    with Sessions() as db:
        row = db.get(DeviceRow, identifier)
    if row is None:
        raise HTTPException(404)
    device = Device.model_validate(row)
    response.headers["ETag"] = tag(device)
    return device


@app.post("/v1/devices", status_code=201, dependencies=[scope("devices:write")])
def create_device(body: NewDevice, response: Response) -> Device:
    now = datetime.now(UTC)
    row = DeviceRow(
        **body.model_dump(), uid=str(uuid.uuid4()), created_at=now, updated_at=now, revision=1
    )
    with Sessions() as db:
        db.add(row)
        try:
            db.commit()
        except IntegrityError as exc:
            raise HTTPException(409) from exc
    device = Device.model_validate(row)
    response.headers["ETag"] = tag(device)
    response.headers["Location"] = f"/v1/devices/{device.identifier}"
    return device


@app.get("/health/ready")
def ready() -> dict[str, str]:
    return {"status": "ok"}
