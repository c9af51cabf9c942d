"""A service behind the gateway that fails, and what the gateway's clients are told of it."""
