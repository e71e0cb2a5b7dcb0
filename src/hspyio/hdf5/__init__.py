"""HDF5 on disk: files <-> nodes, atomic saving. The only room that opens files."""
