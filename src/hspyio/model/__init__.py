"""What users hold: signals, axes, metadata trees, fitted models."""
