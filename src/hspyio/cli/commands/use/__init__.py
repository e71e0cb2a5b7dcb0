"""Use hspyio in other programs."""
