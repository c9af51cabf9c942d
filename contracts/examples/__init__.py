"""The contract's own examples: where they stand, whether they hold, and how they are sent."""
