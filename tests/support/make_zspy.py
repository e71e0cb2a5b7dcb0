"""Make the files of ``tests/support/zspy``: by RosettaSciIO and HyperSpy, with Zarr 2.

``make test-zspy`` has an environment for it: ``python tests/support/make_zspy.py``. Each .zspy is a
zip of the folder that RosettaSciIO has written; the .hspy beside it, by RosettaSciIO too, is what
it holds.
"""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "zspy"


def values() -> Any:
    import hyperspy.api as hs

    signal = hs.signals.Signal1D(np.arange(60, dtype="u2").reshape(3, 4, 5))
    for axis, name in zip(signal.axes_manager._axes, "yxE", strict=True):
        axis.name, axis.units, axis.scale = name, "nm", 0.5
    items: dict[str, Any] = {
        "list": [1, 2.5, 3], "texts": ["a", "b"], "mixed": [1, "a", None], "tuple": (1, 2),
        "none": None, "true": True, "array": np.arange(5), "single": np.ones((3, 2), "f4"),
        "number": 2.5, "text": "äöü€", "empty list": [], "empty tuple": (),
        "array of texts": np.array(["aa", "b"]), "nan": float("nan"), "inf": float("inf"),
        "large": 2**60, "nested": {"a": {"b": 1}, "l": [{"x": 1}, [2, 3]]},
        "signal": hs.signals.Signal1D(np.arange(4.0)),
    }  # fmt: skip
    signal.metadata.General.title = "values"
    signal.metadata.add_dictionary({"Values": items})
    signal.original_metadata.add_dictionary({"k": 1, "d": {"x": [1, 2]}})
    return signal


def images(frames: Any = None) -> Any:
    import hyperspy.api as hs

    if frames is None:
        frames = np.random.default_rng(0).integers(0, 9, (3, 4, 8, 8)).astype("u2")
    signal = hs.signals.Signal2D(frames)
    signal.metadata.General.title = "images"
    return signal


def ragged(rows: list[Any], title: str) -> Any:
    import hyperspy.api as hs

    data = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        data[i] = row
    signal = hs.signals.BaseSignal(data, ragged=True)
    signal.metadata.General.title = title
    return signal


def with_model() -> Any:
    import hyperspy.api as hs

    model = hs.signals.Signal1D(np.arange(20.0) + 1).create_model()
    model.extend([hs.model.components1D.Gaussian()])
    model.store("fit")
    return model.signal


def main() -> None:
    from numcodecs import BZ2, LZ4, LZMA, Blosc, GZip, Zlib, Zstd

    warnings.simplefilter("ignore")
    empty = np.zeros((30, 4, 8, 8), "f4")
    empty[0] = 1
    zeros = images(empty)
    codecs = {
        "zlib": Zlib(3), "gzip": GZip(3), "zstd": Zstd(3), "lz4": LZ4(), "bz2": BZ2(),
        "lzma": LZMA(), "blosc-bits": Blosc("zlib", 3, 2), "blosclz": Blosc("blosclz", 5, 0),
        "none": None,
    }  # fmt: skip
    made: dict[str, tuple[Any, dict[str, Any]]] = {
        "values": (values(), {}),
        "ragged": (ragged([np.arange(n + 1.0) for n in range(4)], "ragged"), {}),
        "ragged-images": (ragged([np.ones((n + 1, 2)) for n in range(3)], "images"), {}),
        "ragged-texts": (ragged([np.array(["a" * (n + 1), "b"]) for n in range(3)], "texts"), {}),
        "zeros": (zeros, {"chunks": (1, 4, 8, 8), "write_empty_chunks": False}),
        "edges": (images(), {"chunks": (2, 3, 8, 5)}),
        "model": (with_model(), {}),
        **{f"codec-{name}": (images(), {"compressor": one}) for name, one in codecs.items()},
    }
    FOLDER.mkdir(exist_ok=True)
    for name, (signal, options) in made.items():
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / f"{name}.zspy"
            try:
                signal.save(written, **options)
            except TypeError:  # an option that this release does not know
                signal.save(written, chunks=options["chunks"], overwrite=True)
            pack(written, FOLDER / f"{name}.zspy")
        if not name.startswith("codec-"):  # which hold what edges has
            signal.save(FOLDER / f"{name}.hspy", overwrite=True)


def pack(folder: Path, target: Path) -> None:
    """A folder as one zip, with the same bytes on any day."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                archive.writestr(name, path.read_bytes())


if __name__ == "__main__":
    main()
