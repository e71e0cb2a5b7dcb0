"""What an HSpy file holds, without HDF5: groups, arrays, attributes."""
