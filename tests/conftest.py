"""What all tests share."""

import pytest

# The suite ships with the store's port, where pytest would not look for assertions.
pytest.register_assert_rewrite("inventory.stores.conformance")
