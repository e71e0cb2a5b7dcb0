"""Change a file in place."""
