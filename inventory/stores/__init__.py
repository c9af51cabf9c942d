"""Where devices are kept: the adapters of the store port, and the suite that each of them passes."""
