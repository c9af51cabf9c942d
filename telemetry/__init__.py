"""What a running service tells of itself: request ids, trace context and JSON logs."""
