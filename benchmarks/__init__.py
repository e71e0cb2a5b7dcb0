"""hspyio against RosettaSciIO, its Zarr twin and the bare codecs: ``make bench``."""
