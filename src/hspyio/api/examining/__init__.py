"""Say what a file holds, whether it is sound, and what of a damaged one can be saved."""
