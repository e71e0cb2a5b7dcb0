"""Pieces of html for notebooks: plain elements that fold, without scripts or other files.

Colours are those of the page around: text inherits its colour, or takes JupyterLab's variables
where there are any, and lines and sparklines are made of it. So the same html fits a light theme,
a dark one and one that changes, which ``prefers-color-scheme`` alone would get wrong: a notebook's
theme need not be the desktop's.
"""

from hspyio.html.elements import Row, facts, fold, heading, page, safe, table, tree
from hspyio.html.thumbnail import preview

__all__ = ["Row", "facts", "fold", "heading", "page", "preview", "safe", "table", "tree"]
