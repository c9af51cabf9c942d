"""The parts of the suite, one module each."""
