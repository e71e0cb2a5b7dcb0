"""The rows of the defect table, by kind."""

import pytest

pytest.register_assert_rewrite("defects.tools", "defects.writing", "defects.corruption", "defects.reading")
