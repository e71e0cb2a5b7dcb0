"""What HSpy files are made of as a rule, read without HDF5; all else is left to it."""
