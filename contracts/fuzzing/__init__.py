"""Fuzzes a service with Schemathesis, and reads what it found."""
