"""Text of files does nothing to a terminal, whichever command shows it, and JSON stays JSON."""

from __future__ import annotations

import json
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.cli.main import COMMANDS
from hspyio.errors import HspyError, HspyWarning, Problem
from hspyio.printable import printable, printable_json, printable_line
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]

BIDI = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = f"\x1b[31m\x1b]0;owned\x07\x08\r\x0b\x7f\x85\x9b2J\u2028\u2029{BIDI}\udc9b"
NASTY_NAME = NASTY.encode("utf-8", "surrogateescape")
ALLOWED = "\n\t"


def is_obeyed(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and char not in ALLOWED
    ) or char in BIDI


def obeyed(text: str) -> str:
    return "".join(sorted({char for char in text if is_obeyed(char)}))


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    """A file all of whose text is nasty, with something that cannot be read beside it."""
    path = tmp_path / "nasty\x1b[31m\x9b\u202e.hspy"
    hspyio.save(path, hspyio.Signal(np.zeros((4, 5)), metadata={"Sample": {"a": 1}}))
    with h5py.File(path, "r+") as file:
        holder = file["Experiments"]
        name = b"group" + NASTY_NAME
        h5py.h5g.GroupID.move(holder.id, next(iter(holder)).encode(), name)
        group = holder[name]
        for axis in ("axis-0", "axis-1"):
            group[axis].attrs["name"] = np.bytes_(b"axis" + NASTY_NAME)
            group[axis].attrs["units"] = np.bytes_(b"units" + NASTY_NAME)
        tree = group["metadata"]
        tree["General"].attrs["title"] = np.bytes_(b"title" + NASTY_NAME)
        tree.require_group("Signal").attrs["signal_type"] = np.bytes_(b"kind" + NASTY_NAME)
        tree.attrs[b"key" + NASTY_NAME] = np.bytes_(b"value" + NASTY_NAME)
        tree[b"node" + NASTY_NAME + b"/node"] = np.arange(3)
        tree[b"lost" + NASTY_NAME] = h5py.SoftLink("/nowhere" + NASTY.replace("\udc9b", ""))
        tree.create_dataset(
            b"_list_texts" + NASTY_NAME,
            data=np.array([b"item" + NASTY_NAME] * 2, "O"),
            dtype=h5py.string_dtype(),
        )
        group["original_metadata"].attrs["note"] = np.bytes_(NASTY_NAME)
        group.attrs["package"] = np.bytes_(b"package" + NASTY_NAME)
        group.attrs[b"attribute" + NASTY_NAME] = h5py.Empty("f8")
        file["Experiments"].attrs[b"common" + NASTY_NAME] = np.bytes_(NASTY_NAME)
        file.attrs["file_writer"] = np.bytes_(NASTY_NAME)
        group["metadata"].create_group(b"models" + NASTY_NAME)
        dataset = tree.create_dataset(
            b"torn" + NASTY_NAME, (4096,), "f8", chunks=(1024,), compression="gzip"
        )
        dataset[...] = np.random.default_rng(1).random(4096)
        place = dataset.id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 20 : place + 40] = bytes(20)
    path.write_bytes(content)
    return path


CALLS: dict[str, list[list[str]]] = {
    "info": [["FILE"], ["--tree", "FILE"], ["--json", "FILE"]],
    "tree": [["FILE"], ["--json", "FILE"], ["--lines", "FILE"], ["--hdf5", "FILE"]],
    "get": [
        ["FILE", "General.title"],
        ["FILE", "General"],
        ["--json", "FILE", "General"],
        ["FILE", "Generel"],
        ["FILE", "axes.0.units"],
        ["FILE", NASTY],
    ],
    "diff": [["FILE", "OTHER"], ["--json", "FILE", "OTHER"], ["FILE", "FILE"]],
    "validate": [["FILE"], ["--json", "FILE"]],
    "verify": [["FILE"], ["--json", "FILE"]],
    "plot": [["FILE", "-o", "out.png"]],
    "view": [["FILE", "--name", NASTY]],
    "set": [["FILE", "Sample.x", f"y{NASTY}"], ["FILE", f"a.{NASTY}", "1"]],
    "unset": [["FILE", "Sample.none"], ["FILE", NASTY]],
    "append": [["FILE", "OTHER"], ["OTHER", "FILE"]],
    "remove": [["FILE", "absent"], ["FILE", NASTY]],
    "add-nexus": [["FILE"]],
    "navigator": [["FILE"], ["FILE", "--name", NASTY]],
    "rescue": [["FILE", "out.hspy"], ["--json", "FILE", "out2.hspy"], ["FILE", "out.hspy"]],
    "repack": [["FILE", "out.hspy"]],
    "upgrade": [["FILE", "out.hspy"]],
    "extract": [["FILE", NASTY, "out.hspy"], ["FILE", "GROUP", "out.hspy"]],
    "import": [["FILE"], [NASTY], ["FILE", "--option", NASTY]],
    "export": [["FILE", "out.nc"], ["FILE", "out.tif"]],
    "references": [["FILE"], ["FILE", "--name", NASTY]],
    "demo": [["FILE"]],
    "hyperspy": [[NASTY]],
}


def test_every_command_is_tried() -> None:
    assert list(CALLS) == [name for listed in COMMANDS.values() for name in listed]


@pytest.mark.parametrize("command", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_nothing_of_a_file_is_obeyed(hspy: Hspy, nasty: Path, tmp_path: Path, command: str) -> None:
    other = tmp_path / "other.hspy"
    hspyio.save(other, hspyio.Signal(np.ones((4, 5)), metadata={"General": {"title": "other"}}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with hspyio.open(nasty) as experiments:
            group = next(iter(experiments))
    known = {"FILE": str(nasty), "OTHER": str(other), "GROUP": group}
    shown = ""
    for call in CALLS[command]:
        args = [known.get(word, word) for word in call]
        if any(is_obeyed(char) and char >= "\ud800" for word in call for char in word):
            args = [word.replace("\udc9b", "") for word in args]
        code, out, err = hspy(command, *args)
        assert "Traceback" not in err
        assert not obeyed(out + err), (call, obeyed(out), obeyed(err))
        if "--json" in call and code in (0, 1) and out:
            json.loads(out)
        shown += out + err
    assert "\\x1b" in shown or "\\u001b" in shown


@pytest.mark.parametrize(
    "args",
    [
        [f"absent{NASTY}.hspy"],
        [f"--bad{NASTY}", "FILE"],
        ["--name", f"other{NASTY}", "FILE"],
    ],
)
def test_nor_is_what_stands_on_the_command_line(hspy: Hspy, nasty: Path, args: list[str]) -> None:
    for command in (["info"], ["get"], ["set"], [f"bad{NASTY}"]):
        _, out, err = hspy(*command, *args)
        assert not obeyed(out + err)


def test_python_shows_nothing_that_is_obeyed(nasty: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with hspyio.open(nasty) as experiments:
            texts = [repr(experiments), *map(repr, experiments.values())]
        signal = hspyio.load(nasty)
    texts += map(repr, (signal, signal.axes, signal.metadata, signal.original_metadata))
    texts += map(repr, (*signal.axes, signal.attributes))
    texts += map(str, hspyio.validate(nasty).findings)
    verified = hspyio.verify(nasty)
    texts += map(str, (hspyio.validate(nasty), verified, *verified.damaged, *verified.problems))
    texts += [str(item.message) for item in caught]
    texts += [warnings.formatwarning(item.message, item.category, "f", 1) for item in caught]
    with pytest.raises(HspyError) as raised:
        hspyio.load(nasty, name=f"absent{NASTY}")
    texts += [str(raised.value), repr(raised.value)]
    assert any("\\x1b" in text for text in texts)
    assert not obeyed("".join(texts))


def test_messages_keep_their_lines_and_raw_parts() -> None:
    error = HspyError(f"first{NASTY}\nsecond", path=f"p{NASTY}", where=f"w{NASTY}")
    assert str(error).endswith("\nsecond")
    assert not obeyed(str(error))
    assert (error.where, error.path) == (f"w{NASTY}", f"p{NASTY}")
    assert not obeyed(str(HspyWarning(NASTY)))
    assert not obeyed(str(Problem(f"a\n{NASTY}", NASTY)))
    assert "\n" not in str(Problem("a\nb", "c"))


def test_every_character_is_shown_or_escaped() -> None:
    text = "".join(map(chr, range(0x10FFFF, -1, -1)))  # so that no two halves make a whole
    assert not obeyed(printable(text))
    assert not obeyed(printable_line(text))
    assert printable_line(text).isprintable()
    document = json.dumps(text, ensure_ascii=False)
    same = json.loads(printable_json(document)) == text
    assert same
    assert not obeyed(printable_json(document))
    kept = "Maße: 5 µm × 3 Å, 日本語, \u05e9\u05dc\u05d5\u05dd, e\u0301\n\tü"
    assert printable(kept) == kept
