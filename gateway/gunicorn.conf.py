"""How gunicorn runs the gateway."""

import os
import sys

from gateway.settings import SettingFault, read_settings
from telemetry.logs import log_config

try:
    _settings = read_settings(os.environ)
except SettingFault as exc:
    sys.exit(f"gateway: {exc}")

bind = f"{_settings.host}:{_settings.port}"
workers = _settings.workers
worker_class = "openapi.worker.Worker"
control_socket_disable = True  # nothing listens that the settings do not name
logconfig_dict = log_config("gateway", _settings.log_level)
keepalive = 20
graceful_timeout = 4  # seconds for requests under way after SIGTERM
timeout = 60  # seconds without a sign of life from a worker
