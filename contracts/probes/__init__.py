"""Malformed and unusual requests that no generator sends, compiled from the contract."""
