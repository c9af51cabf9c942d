"""Valid requests, made of the contract's own examples."""
