"""The only floor that composes: load, save, open, append, update, remove, repack, info.

Nothing is imported here: whoever loads a file need not wait for what saves one.
"""
