"""Contract tests as a runnable package: the running services against ``openapi.yaml``."""
