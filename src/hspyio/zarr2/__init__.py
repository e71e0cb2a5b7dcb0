"""Stores of Zarr's format 2, as RosettaSciIO writes them (.zspy): keys with bytes <-> nodes."""
