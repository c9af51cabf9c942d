"""What the suite puts into the inventory before it asks for it."""
