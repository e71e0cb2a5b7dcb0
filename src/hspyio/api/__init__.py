"""The only floor that composes: what the user calls is in the folders, what they share is here.

Nothing is imported here: whoever loads a file need not wait for what saves one.
"""
