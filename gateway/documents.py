"""The published contract, and Swagger UI to try it in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from openapi.document import Document
from openapi.publication import publish, to_json, to_yaml

_ASSETS = Path(flask_swagger_ui.__file__).with_name("dist")
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Doorstep API</title>
  <link rel="stylesheet" href="swagger-ui.css">
  <link rel="icon" type="image/png" href="favicon-32x32.png" sizes="32x32">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="swagger-ui-bundle.js"></script>
  <script src="start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""


# The documents' paths, as ``AllowedMethods`` takes them.
METHODS = {path: ["get"] for path in ("/", "/openapi.json", "/openapi.yaml", "/ui", "/ui/")}


class DocumentsMiddleware:
    """Answers ``/openapi.json``, ``/openapi.yaml`` and everything under ``/ui/``."""

    def __init__(self, app: ASGIApp, document: Document) -> None:
        self.app = app
        content = publish(document)
        self._assets = frozenset(f"/ui/{file.name}" for file in _ASSETS.iterdir())
        self._static = StaticFiles(directory=_ASSETS)
        self._pages: dict[str, Any] = {
            "/openapi.json": _response(to_json(content), "application/json"),
            "/openapi.yaml": _response(to_yaml(content), "application/yaml"),
            "/": RedirectResponse("/ui/"),
            "/ui": RedirectResponse("/ui/"),
            "/ui/": _response(_PAGE, "text/html"),
            "/ui/start.js": _response(_START, "text/javascript"),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path in METHODS and scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)  # ProblemMiddleware says the rest
        if path in self._pages:
            await self._pages[path](scope, receive, send)
        elif path in self._assets:
            await self._static({**scope, "path": path.removeprefix("/ui")}, receive, send)
        else:
            await self.app(scope, receive, send)


def _response(content: str | bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type)
