"""How gunicorn runs the gateway."""

import os
import sys

from gateway.reload import reloader
from gateway.settings import LOOPBACK, read_settings
from openapi.document import DocumentFault
from openapi.environment import SettingFault
from openapi.server import bind_address, refuse_taken_port
from telemetry import sharing
from telemetry.logs import log_config

try:
    _settings = read_settings(os.environ)
except SettingFault as exc:
    sys.exit(f"gateway: {exc}")

sharing.share(_settings.metrics)
# Both ports lead to every worker; gateway/admin.py keeps them apart (docs/adr/0012).
bind = [
    bind_address(_settings.host, _settings.port),
    bind_address(LOOPBACK, _settings.admin_port),
]


def on_starting(server):
    refuse_taken_port("GATEWAY_PORT", _settings.host, _settings.port)(server)
    refuse_taken_port("GATEWAY_ADMIN_PORT", LOOPBACK, _settings.admin_port)(server)
    sharing.clear(_settings.metrics)
    try:
        reloader.read(os.environ)
    except (DocumentFault, SettingFault) as exc:
        sys.exit(f"gateway: cannot start: {exc}")
    server.handle_hup = lambda: reloader.reload(server)
    _settings.process_id.write_text(f"{server.pid}\n")


def on_exit(_server):
    _settings.process_id.unlink(missing_ok=True)


def child_exit(_server, worker):
    sharing.forget(worker.pid)


workers = _settings.workers
worker_class = "gateway.worker.GatewayWorker"
control_socket_disable = True  # nothing listens that the settings do not name
logconfig_dict = log_config("gateway", _settings.log_level)
keepalive = 20
graceful_timeout = 4  # seconds for requests under way after SIGTERM
timeout = 60  # seconds without a sign of life from a worker
