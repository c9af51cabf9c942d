"""The published contract, and Swagger UI to try it in the browser."""

from __future__ import annotations

import mimetypes
from pathlib import Path

import flask_swagger_ui
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import pages
from gateway.fixed_pages import FixedPage
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
// "Authorize" focuses its last field, which scrolls the key's out of sight.
new MutationObserver((changes) => {
  const added = changes.flatMap((change) => [...change.addedNodes]);
  const dialog = added.find((node) => node.querySelector?.(".auth-container"));
  if (dialog) setTimeout(() => dialog.querySelector(".auth-container input")?.focus());
}).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
"""


METHODS = pages.METHODS


class DocumentsMiddleware:
    """Answers ``/openapi.json``, ``/openapi.yaml`` and everything under ``/ui/``."""

    def __init__(self, app: ASGIApp, document: Document, *, coded: bool = False) -> None:
        """``coded``: compressed for clients that take it."""
        self.app = app
        content = publish(document)
        fixed = {
            "/openapi.json": (to_json(content), "application/json"),
            "/openapi.yaml": (to_yaml(content), "application/yaml"),
            "/ui/": (_PAGE.encode(), "text/html"),
            "/ui/start.js": (_START.encode(), "text/javascript"),
        }
        assets = {
            f"/ui/{file.name}": (file.read_bytes(), _media_type(file)) for file in _ASSETS.iterdir()
        }
        self._pages: dict[str, ASGIApp] = {
            "/": RedirectResponse("/ui/"),
            "/ui": RedirectResponse("/ui/"),
            **{
                path: FixedPage(page, media_type, coded=coded)
                for path, (page, media_type) in (assets | fixed).items()
            },
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path in self._pages and scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)  # ProblemMiddleware says the rest
        page = self._pages.get(path, self.app)
        await page(scope, receive, send)


def _media_type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "text/plain"
