"""How gunicorn runs the inventory."""

import os
import sys

from inventory.settings import read_settings
from openapi.environment import SettingFault
from openapi.server import bind_address, refuse_taken_port
from telemetry import sharing
from telemetry.logs import log_config

try:
    _settings = read_settings(os.environ)
except SettingFault as exc:
    sys.exit(f"inventory: {exc}")

sharing.share(_settings.metrics)
bind = bind_address(_settings.host, _settings.port)


def on_starting(server):
    refuse_taken_port("INVENTORY_PORT", _settings.host, _settings.port)(server)
    sharing.clear(_settings.metrics)


def child_exit(_server, worker):
    sharing.forget(worker.pid)


workers = _settings.workers
worker_class = "openapi.worker.Worker"
control_socket_disable = True  # nothing listens that the settings do not name
logconfig_dict = log_config("inventory", _settings.log_level)
# Longer than the gateway keeps its connections: it never writes to one that is just being closed.
keepalive = 75
graceful_timeout = 4  # seconds for requests under way after SIGTERM
timeout = 60  # seconds without a sign of life from a worker
