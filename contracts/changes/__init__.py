"""What changed between a released contract and this one, for the clients of the released one."""

from contracts.changes.change import Change, Grade
from contracts.changes.comparison import compare

__all__ = ["Change", "Grade", "compare"]
