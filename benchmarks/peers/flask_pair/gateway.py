"""The tutorial's gateway: Flask that passes requests on with requests."""

from __future__ import annotations

import hmac
import json
import logging
import os
import pathlib
import threading
import time
from typing import Any

import jwt
import requests
from flask import Flask, Response, abort, request

PRIVATE_KEY = pathlib.Path(os.environ["PEER_PRIVATE_KEY"]).read_text()
API_KEY = os.environ["PEER_API_KEY"]
UPSTREAM = os.environ["PEER_INVENTORY_URL"]
app = Flask(__name__)
log = logging.getLogger("access")
logging.basicConfig(level=logging.INFO, format="%(message)s")
local = threading.local()
signed: dict[str, tuple[float, str]] = {}


def session() -> requests.Session:
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session  # type: ignore[no-any-return]


def identity() -> str:
    until, token = signed.get("admin", (0.0, ""))
    if time.time() > until:
        now = int(time.time())
        claims = {"aud": "inventory", "sub": "admin", "exp": now + 120}
        token = jwt.encode(claims, PRIVATE_KEY, algorithm="EdDSA")
        signed["admin"] = (now + 60, token)
    return token


@app.after_request
def tell(response: Response) -> Response:
    log.info(json.dumps({"path": request.path, "status": response.status_code}))
    return response


@app.route("/<path:path>", methods=["GET", "POST"])
def forward(path: str) -> Any:
    is_key = hmac.compare_digest(request.headers.get("X-API-Key", ""), API_KEY)
    if path != "health/ready" and not is_key:
        abort(401)
    answer = session().request(
        request.method,
        f"{UPSTREAM}/{path}",
        params=request.args.to_dict(flat=False),
        data=request.get_data(),
        headers={
            "Authorization": f"Bearer {identity()}",
            "Content-Type": request.headers.get("Content-Type", "application/json"),
        },
        timeout=15,
    )
    media_type = answer.headers.get("Content-Type")
    return Response(answer.content, answer.status_code, content_type=media_type)
