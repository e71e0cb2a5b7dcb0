"""Write signals into a new file."""
