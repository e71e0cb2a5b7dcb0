"""The rows of the defect table, by kind."""

import pytest

_FILES = ("tools", "writing", "values", "structure", "reading")
pytest.register_assert_rewrite(*(f"defects.{name}" for name in _FILES))
