"""Nodes -> HDF5 file: the writing half, which reading does not import."""
