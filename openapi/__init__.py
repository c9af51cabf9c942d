"""Turns ``openapi.yaml`` into a running service: what both services have in common.

Everything the document fixes is computed when a service starts; a request only runs the result.
"""

import warnings
from pathlib import Path

# Connexion imports Starlette's test client, which has a word on that for whoever runs tests.
warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")

CONTRACT = Path(__file__).with_name("openapi.yaml")
