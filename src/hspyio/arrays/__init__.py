"""Chunk grids, manifests, reading and writing of chunks, dask: no file format is known here."""
