"""Write a new file, out of others."""
