"""The peers: the same API as their frameworks' own docs would build it."""
