"""The rules of the inventory in plain Python: no HTTP, no database."""
