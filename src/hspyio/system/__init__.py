"""The calls of the operating system: files, locks, memory, signals. The one place that knows it."""
