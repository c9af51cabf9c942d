"""The reports of a run: a page, a table on the terminal, and files for machines."""
