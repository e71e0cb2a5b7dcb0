"""Write a file while it is measured, and read it meanwhile."""
