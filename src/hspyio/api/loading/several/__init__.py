"""Several files at once: which are meant, and how their signals become one."""
