"""Look into files: commands that change nothing."""
