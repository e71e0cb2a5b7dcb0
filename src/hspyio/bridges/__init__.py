"""Front ends for other programs: RosettaSciIO's interface, HyperSpy, xarray, HDF5 inspection."""
