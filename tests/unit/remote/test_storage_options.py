"""What users choose for files that are far away."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from hspyio.errors import ArgumentError, OptionError
from hspyio.remote.storage_options import StorageOptions, storage_options_of, unknown_option


def test_words_of_s3fs_are_those_of_obstore() -> None:
    given = {
        "anon": True, "key": "K", "secret": "S", "token": "T",
        "client_kwargs": {"endpoint_url": "http://e", "region_name": "r"},
    }  # fmt: skip
    assert storage_options_of(given).config == {
        "skip_signature": True, "access_key_id": "K", "secret_access_key": "S", "token": "T",
        "endpoint": "http://e", "region": "r",
    }  # fmt: skip


def test_ours_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = storage_options_of({"gap": 0, "parallel": 2, "cache": "here", "headers": {"A": "b"}})
    assert (options.gap, options.parallel, options.headers) == (0, 2, {"A": "b"})
    assert options.cache == str(tmp_path / "here")
    assert options.config == {}
    assert storage_options_of(None).head == 2**20


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"parallel": 0}, "parallel is 0; use a whole number from 1 up"),
        ({"gap": -1}, "gap is -1"),
        ({"retries": True}, "retries is True"),
        ({"timeout": "long"}, "timeout is 'long'; use a number of seconds"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"cache": 5}, "cache is a int; use the path of a folder"),
        ({"headers": ["A: b"]}, "headers are no dict"),
    ],
)
def test_a_value_that_makes_no_sense_is_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        storage_options_of(given)
    assert message in str(caught.value)


def test_all_of_them_are_told() -> None:
    with pytest.raises(OptionError, match=r"block is 1; .*head is 'x'"):
        storage_options_of({"block": 1, "head": "x"})


@pytest.mark.parametrize("given", ["anon=True", ["anon"], {1: 2}])
def test_what_is_no_dict_of_words_is_told(given: Any) -> None:
    with pytest.raises(ArgumentError, match="not a dict such as"):
        storage_options_of(given)


def test_nothing_shows_what_is_secret() -> None:
    options = storage_options_of({"secret": "S3CRET", "headers": {"Authorization": "T0KEN"}})
    for text in (repr(options), str(options), f"{options}"):
        assert "S3CRET" not in text and "T0KEN" not in text
    packed = options.packed("s3://b/S3CRET")
    for octets in (packed, pickle.dumps(packed)):
        assert b"S3CRET" not in octets and b"T0KEN" not in octets
    address, again = StorageOptions.unpacked(packed)
    assert address == "s3://b/S3CRET"
    assert (again.config, again.headers) == (options.config, options.headers)


def test_an_unknown_word_is_told_with_what_was_meant() -> None:
    assert "did you mean 'parallel'" in str(unknown_option("paralel"))
