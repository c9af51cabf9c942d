"""The adapters of the store port, and the suite that each of them passes."""
