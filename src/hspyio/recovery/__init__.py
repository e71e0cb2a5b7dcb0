"""What can be read of damaged files."""
