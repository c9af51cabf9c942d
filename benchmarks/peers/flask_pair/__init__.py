"""Flask with shelve behind Flask with requests: the tutorial."""
