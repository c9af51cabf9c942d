"""The suite's own test: faults are planted in copies of the tree, and each has to be found."""
