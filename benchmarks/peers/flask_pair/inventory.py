"""The tutorial's inventory: Flask CRUD of devices on a shelf."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import shelve
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import jwt
from flask import Flask, Response, abort, jsonify, request

PUBLIC_KEY = pathlib.Path(os.environ["PEER_PUBLIC_KEY"]).read_text()
app = Flask(__name__)
log = logging.getLogger("access")
logging.basicConfig(level=logging.INFO, format="%(message)s")
shelf = shelve.open(os.environ["PEER_SHELF"])  # noqa: SIM115  # open as long as the process is
lock = threading.Lock()


@app.before_request
def authorise() -> None:
    if request.path == "/health/ready":
        return
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        jwt.decode(token, PUBLIC_KEY, algorithms=["EdDSA"], audience="inventory")
    except jwt.PyJWTError:
        abort(401)


@app.after_request
def tell(response: Response) -> Response:
    log.info(json.dumps({"path": request.path, "status": response.status_code}))
    return response


@app.get("/v1/devices")
def list_devices() -> Any:
    limit = int(request.args.get("limit", 50))
    with lock:
        names = sorted(shelf)[:limit]
        return jsonify({"items": [shelf[name] for name in names], "next": None})


@app.get("/v1/devices/<identifier>")
def get_device(identifier: str) -> Any:
    with lock:
        if identifier not in shelf:
            abort(404)
        return jsonify(shelf[identifier])


@app.post("/v1/devices")
def create_device() -> Any:
    device = request.get_json()
    if not device.get("name") or not device.get("device_type"):
        abort(400)
    now = datetime.now(UTC).isoformat()
    device |= {"uid": str(uuid.uuid4()), "created_at": now, "updated_at": now, "revision": 1}
    with lock:
        if device["identifier"] in shelf:
            abort(409)
        shelf[device["identifier"]] = device
        shelf.sync()
    return jsonify(device), 201


@app.get("/health/ready")
def ready() -> Any:
    return jsonify({"status": "ok"})
