"""Checksums of chunks, and the seal over a part of a file."""
