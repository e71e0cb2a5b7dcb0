"""Change files: what is added, altered or taken out, and what is copied into another."""
