"""Keeps answers of operations that have ``x-gateway.cache`` (RFC 9111): rules, memory, stage."""
