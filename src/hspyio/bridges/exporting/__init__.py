"""HSpy files for readers of other formats: netCDF, Zarr, TIFF, and references to chunks."""
