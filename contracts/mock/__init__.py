"""A stateful mock of the services that a contract describes, derived from it alone.

For consumers' own tests: it takes and refuses what the contract does, and remembers what it was
given, in memory.
"""
