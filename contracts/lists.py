"""The lists in YAML that people keep beside the code, held to their form when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from contracts.findings import CouldNotRun


def read_list(file: Path, form: dict[str, Any]) -> Any:
    """What the file has. ``form``: a JSON Schema of Draft 7.

    ``CouldNotRun`` names the file and the place in it that is not of the form.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise CouldNotRun(f"{file}: {exc}") from exc
    for error in jsonschema_rs.Draft7Validator(form).iter_errors(content):
        place = "/".join(map(str, error.instance_path))
        raise CouldNotRun(f"{file}: /{place}: {error.message}")
    return content
