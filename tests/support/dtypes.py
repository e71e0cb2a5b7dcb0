"""dtypes that few programs make."""

from __future__ import annotations

import numpy as np

ODD = [
    np.dtype({"names": ["x", "y"], "formats": ["i4", "i2"], "offsets": [0, 0]}),
    np.dtype({"names": ["x", "y"], "formats": ["i2", "i2"], "offsets": [4, 0], "itemsize": 12}),
    np.dtype([(("a title", "x"), "f8"), ("/y", "i2")]),
    np.dtype([("", "i1"), ("\ud800", "i1"), ("a\0b", "i1")]),
    np.dtype([("a", "i1"), ("b", "f8")], align=True),
    np.dtype([("a", "i1", (2, 3)), ("b", "U3", (1,)), ("c", "M8[25s]", (2,))]),
    np.dtype([("r", "f8"), ("i", "f8")]),
    np.dtype([("r", ">f4"), ("i", ">f4")]),
    np.dtype([("r", "g"), ("i", "g")]),
    np.dtype([("r", ">g"), ("i", ">g")]),
    np.dtype([("r", "f4"), ("i", "f8")]),
    np.dtype([("r", "f4", (2,)), ("i", "f4", (2,))]),
    np.dtype([("r", "f2"), ("i", "f2")]),
    np.dtype([("i", "f8"), ("r", "f8")]),
    np.dtype([("n", [("r", "f4"), ("i", "f4")], (2,)), ("m", "U2")]),
    np.dtype([("a", [("b", [("c", ">M8[ns]"), ("d", "S0"), ("e", "U0")])])]),
    np.dtype([("x", "V3"), ("y", "?"), ("z", ">c16"), ("w", "g"), ("v", ">G", (2,))]),
    np.dtype("V0"),
    np.dtype("S0"),
    np.dtype("U0"),
]
