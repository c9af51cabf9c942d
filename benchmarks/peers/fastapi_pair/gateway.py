"""The FastAPI peer's gateway: validates, authorises, signs, and forwards with one httpx client."""

from __future__ import annotations

import hmac
import logging
import os
import pathlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import jwt
from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response

from benchmarks.peers.fastapi_pair.access_log import Telling
from benchmarks.peers.fastapi_pair.models import NewDevice

PRIVATE_KEY = pathlib.Path(os.environ["PEER_PRIVATE_KEY"]).read_text()
API_KEY = os.environ["PEER_API_KEY"]
SCOPES = frozenset({"devices:read", "devices:write"})
DROPPED = frozenset({"date", "server", "connection", "x-request-id"})
logging.getLogger("httpx").setLevel("WARNING")  # the access log has a line a request already
signed: dict[str, tuple[float, str]] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
    async with httpx.AsyncClient(
        base_url=os.environ["PEER_INVENTORY_URL"], limits=limits
    ) as client:
        app.state.client = client
        yield


app = FastAPI(docs_url=None, redoc_url=None, lifespan=lifespan)
app.add_middleware(Telling)


def scope(name: str) -> Any:
    async def check(request: Request) -> None:
        if not hmac.compare_digest(request.headers.get("x-api-key", ""), API_KEY):
            raise HTTPException(401, headers={"WWW-Authenticate": "ApiKey"})
        if name not in SCOPES:
            raise HTTPException(403)

    return Depends(check)


def identity() -> str:
    until, token = signed.get("admin", (0.0, ""))
    if time.time() > until:
        now = int(time.time())
        claims = {"aud": "inventory", "sub": "admin", "scope": " ".join(SCOPES), "exp": now + 120}
        token = jwt.encode(claims, PRIVATE_KEY, algorithm="EdDSA")
        signed["admin"] = (now + 60, token)
    return token


async def forward(request: Request, content: bytes | None = None) -> Response:
    headers = {"authorization": f"Bearer {identity()}", "x-request-id": request.state.id}
    if content is not None:
        headers["content-type"] = "application/json"
    target = httpx.URL(path=request.url.path, query=request.url.query.encode())
    try:
        answer = await request.app.state.client.request(
            request.method, target, headers=headers, content=content
        )
    except httpx.TimeoutException as exc:
        raise HTTPException(504) from exc
    except httpx.HTTPError as exc:
        raise HTTPException(502) from exc
    kept = {k: v for k, v in answer.headers.items() if k not in DROPPED}
    return Response(answer.content, answer.status_code, kept)


@app.get("/v1/devices", dependencies=[scope("devices:read")])
async def list_devices(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: str | None = None,
) -> Response:
    return await forward(request)


@app.get("/v1/devices/{identifier}", dependencies=[scope("devices:read")])
async def get_device(
    request: Request, identifier: Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
) -> Response:
    return await forward(request)


@app.post("/v1/devices", dependencies=[scope("devices:write")])
async def create_device(request: Request, body: NewDevice) -> Response:
    return await forward(request, await request.body())


@app.get("/health/ready")
async def ready(request: Request) -> Response:
    return await forward(request)
