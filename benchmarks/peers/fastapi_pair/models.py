"""What both doors of the FastAPI peer validate."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


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
