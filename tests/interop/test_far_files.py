"""Files on a web server and in S3: read the same as on this computer, and in few requests."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences
from hspyio.errors import (
    HspyError,
    MissingFileError,
    OptionError,
    StaleFileError,
    TargetExistsError,
)
from support.compare import FILES, differences
from support.mutants import mutant
from support.places import ARCHIVE
from support.range_server import Server, open_server

pytest.importorskip("obstore")
ALL = [*sorted(ARCHIVE.iterdir()), *FILES]
EACH = pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
LAZY = pytest.mark.parametrize("lazy", [False, True])
BUCKET = "data"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("far")
    for path in ALL:
        shutil.copy(path, folder / path.name)
    rng = np.random.default_rng(3)
    for name, chunks in (("small.hspy", None), ("chunked.hspy", (4, 4, 16, 16))):
        data = rng.poisson(4, (16, 16, 32, 32)).astype("u2")
        signal = hspyio.Signal(data, title="map", metadata={"Sample": {"n": list(range(50))}})
        hspyio.save(folder / name, signal, chunks=chunks, checksum=True)
    return folder


@pytest.fixture(scope="module")
def server(files: Path) -> Iterator[Server]:
    with open_server(files) as made:
        yield made


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, Any]]:
    """The options of a server that speaks as S3 does."""
    moto = pytest.importorskip("moto.server")
    made = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    options = {
        "endpoint_url": f"http://{host}:{port}",
        "region": "us-east-1",
        "key": "k",
        "secret": "S3CRET",
    }
    address = f"{options['endpoint_url']}/{BUCKET}"
    with urllib.request.urlopen(urllib.request.Request(address, b"", method="PUT"), timeout=10):
        yield options
    made.stop()


def _bucket(options: dict[str, Any]) -> Any:
    """The bucket, as obstore alone speaks with it."""
    stores = pytest.importorskip("obstore.store")
    return stores.S3Store(
        BUCKET, endpoint=options["endpoint_url"], region=options["region"], access_key_id="k",
        secret_access_key="S3CRET", client_options={"allow_http": True},
    )  # fmt: skip


def address_of(
    path: Path, where: str, request: pytest.FixtureRequest
) -> tuple[str, dict[str, Any]]:
    """A file's address on the web server or in S3, and the options for it."""
    if where == "http":
        return f"{request.getfixturevalue('server').url}/{path.name}", {}
    options = request.getfixturevalue("s3")
    pytest.importorskip("obstore").put(_bucket(options), path.name, path.read_bytes())
    return f"s3://{BUCKET}/{path.name}", {"storage_options": options}


@pytest.mark.parametrize("where", ["http", "s3"])
@LAZY
@EACH
def test_every_file_reads_the_same(
    path: Path, lazy: bool, where: str, request: pytest.FixtureRequest
) -> None:
    address, options = address_of(path, where, request)
    there = hspyio.file_reader(address, lazy=lazy, **options)
    assert list(differences(there, hspyio.file_reader(path, lazy=lazy))) == []
    with hspyio.open(address, **options) as far, hspyio.open(path) as near:
        assert list(far) == list(near)
        for name in near:
            found = hspyio.load(address, name, lazy=lazy, **options)
            assert list(signal_differences(found, near[name])) == []


@EACH
def test_every_file_opens_in_xarray_the_same(path: Path, server: Server) -> None:
    xarray = pytest.importorskip("xarray")
    try:
        near = xarray.open_datatree(path, engine="hspyio")
    except HspyError as error:
        with pytest.raises(type(error)):
            xarray.open_datatree(f"{server.url}/{path.name}", engine="hspyio")
        return
    far = xarray.open_datatree(f"{server.url}/{path.name}", engine="hspyio")
    xarray.testing.assert_identical(near, far)


def test_xarray_notes_no_secret(server: Server) -> None:
    xarray = pytest.importorskip("xarray")
    url = server.url.replace("//", "//me:S3CRET@") + "/small.hspy?sig=S3CRET"
    opened = xarray.open_dataset(url, engine="hspyio")
    assert "S3CRET" not in repr(opened.encoding) + repr(opened) + repr(opened.attrs)
    assert opened.encoding["source"] == f"{server.url}/small.hspy?..."


@EACH
def test_what_is_said_of_a_file_is_the_same(path: Path, server: Server, files: Path) -> None:
    address, local = f"{server.url}/{path.name}", files / path.name
    for look in (hspyio.info, hspyio.validate, hspyio.verify):
        near, far = (look(one).as_dict() for one in (local, address))
        assert far.pop("path") == address and near.pop("path") == str(local)
        near.pop("unused_bytes", None), far.pop("unused_bytes", None)
        assert _without(far, address) == _without(near, str(local))
    assert not hspyio.diff(address, local)


def _without(tree: Any, path: str) -> str:
    """What is said, but for the file's name in it, and the commands that mend it."""
    if isinstance(tree, dict) and "findings" in tree:
        tree = {**tree, "findings": [{**one, "mend": ""} for one in tree["findings"]]}
    return repr(tree).replace(path, "PATH")


@pytest.mark.parametrize("name", ["small.hspy", "chunked.hspy"])
def test_lazily_on_a_cluster(name: str, server: Server, files: Path) -> None:
    distributed = pytest.importorskip("distributed")
    far = hspyio.load(f"{server.url}/{name}", lazy=True)
    near = hspyio.load(files / name)
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert (client.compute(far.data).result() == near.data).all()
        assert (far.data.sum(axis=(2, 3)).compute() == near.data.sum(axis=(2, 3))).all()


def test_a_file_that_is_replaced_is_told_on_the_way(server: Server, files: Path) -> None:
    path = files / "replaced.hspy"
    hspyio.save(path, hspyio.Signal(np.arange(400_000.0)), chunks=(1000,), compression=None)
    signal = hspyio.load(f"{server.url}/replaced.hspy", lazy=True)
    time.sleep(0.01)
    hspyio.save(
        path, hspyio.Signal(np.zeros(400_000)), chunks=(1000,), compression=None, overwrite=True
    )
    with pytest.raises(StaleFileError, match="has changed since it was opened; load it again"):
        signal.data.compute()


def test_hyperspy_and_others_hold_what_is_far(server: Server, files: Path) -> None:
    signal = hspyio.load(f"{server.url}/chunked.hspy", lazy=True)
    converted = pytest.importorskip("hyperspy.api") and signal.to_hyperspy()
    near = hspyio.load(files / "chunked.hspy")
    assert (converted.data[5, 3].compute() == near.data[5, 3]).all()
    hspyio.save(files / "copy.hspy", signal)
    assert not hspyio.diff(files / "copy.hspy", files / "chunked.hspy", stamps=False)


def test_stores_of_the_user_are_taken(server: Server, files: Path, s3: dict[str, Any]) -> None:
    obstore = pytest.importorskip("obstore.store")
    fsspec = pytest.importorskip("fsspec")
    near = hspyio.load(files / "chunked.hspy")
    local = obstore.LocalStore(str(files))
    for options in (
        {"store": local},
        {"store": fsspec.filesystem("file")},
        {"store": fsspec.filesystem("dir", path=str(files), fs=fsspec.filesystem("file"))},
    ):
        inside = isinstance(options["store"], type(fsspec.filesystem("file")))
        key = str(files / "chunked.hspy") if inside else "chunked.hspy"
        far = hspyio.load(key, storage_options=options)
        assert list(signal_differences(far, near)) == []
        lazy = hspyio.load(key, lazy=True, storage_options=options)
        assert (lazy.data.compute() == near.data).all()
    with fsspec.open(f"file://{files / 'chunked.hspy'}") as stream:
        assert list(signal_differences(hspyio.load(stream), near)) == []


def test_a_file_address_is_a_path(files: Path) -> None:
    address = (files / "chunked.hspy").as_uri()
    assert hspyio.load(address).location is not None
    assert hspyio.info(address).path == str(files / "chunked.hspy")


def test_the_cache_is_the_users_choice(server: Server, files: Path, tmp_path: Path) -> None:
    options = {"cache": tmp_path / "kept", "head": 4096}
    for _ in range(2):
        server.forget()
        far = hspyio.load(f"{server.url}/chunked.hspy", storage_options=options)
        assert (far.data == hspyio.load(files / "chunked.hspy").data).all()
    assert server.requests == 1


def test_what_needs_a_path_is_told(server: Server, tmp_path: Path) -> None:
    address = f"{server.url}/chunked.hspy"
    for call in (
        lambda: hspyio.update(address, hspyio.Signal(np.zeros(3))),
        lambda: hspyio.append(address, hspyio.Signal(np.zeros(3))),
        lambda: hspyio.remove(address, "map"),
        lambda: hspyio.repack(address, tmp_path / "out.hspy"),
        lambda: hspyio.rescue(address, tmp_path / "out.hspy"),
    ):
        with pytest.raises(OptionError, match=r"is far away, and hspyio.* download it"):
            call()
    for option in ({"isolated": True}, {"allow_external": True}):
        with pytest.raises(OptionError, match="needs a file on this computer"):
            hspyio.load(address, **option)  # type: ignore[call-overload]
    with pytest.raises(OptionError, match="web servers have no safe way"):
        hspyio.save(address, hspyio.Signal(np.zeros(3)))
    with pytest.raises(OptionError, match="storage_options are for files that are far away"):
        hspyio.load(tmp_path / "x.hspy", storage_options={"anon": True})
    with pytest.raises(OptionError, match="'paralel', which the store does not know; did you mean"):
        hspyio.load(address, storage_options={"paralel": 3})


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    said = "takes obstore: obstore is not installed; `pip install obstore`"
    with pytest.raises(hspyio.HspyError, match=said):
        hspyio.load("https://example.org/a.hspy")


# writing


def test_what_is_saved_to_a_store_is_read_back(
    s3: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    signal = hspyio.Signal(np.arange(5000.0).reshape(50, 100), title="saved")
    name = hspyio.save(f"s3://{BUCKET}/saved", signal, storage_options=s3, checksum=True)
    assert name == f"s3://{BUCKET}/saved.hspy"
    again = hspyio.load(name, storage_options=s3)
    assert list(signal_differences(again, signal)) == []
    assert hspyio.verify(name, storage_options=s3).ok
    with pytest.raises(TargetExistsError, match="exists; overwrite=True replaces it"):
        signal.save(name, storage_options=s3)
    signal.data[0] = 7
    signal.save(name, storage_options=s3, overwrite=True)
    assert (hspyio.load(name, storage_options=s3).data == signal.data).all()
    assert list(tmp_path.iterdir()) == []


def test_what_is_large_is_sent_in_parts(
    s3: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hspyio.remote.upload._AT_ONCE", 2**20)
    monkeypatch.setattr("hspyio.remote.upload._PART", 5 * 2**20)
    data = np.random.default_rng(0).integers(0, 2**16, (12, 1000, 1000)).astype("u2")
    name = f"s3://{BUCKET}/large.hspy"
    hspyio.save(name, hspyio.Signal(data), storage_options=s3)
    assert (hspyio.load(name, storage_options=s3).data == data).all()
    with pytest.raises(TargetExistsError):
        hspyio.save(name, hspyio.Signal(data[:3]), storage_options=s3)


KILLED = """
import os, sys, threading, time
import numpy as np
import hspyio
from hspyio.remote import upload
upload._AT_ONCE, upload._PART = 0, 5 * 2**20
address, endpoint, after = sys.argv[1], sys.argv[2], float(sys.argv[3])
options = {"endpoint_url": endpoint, "region": "us-east-1", "key": "k", "secret": "s"}
data = np.random.default_rng(1).integers(0, 2**16, (8, 1000, 1000)).astype("u2")
begun = upload.Target.upload
def upload_then_die(self, *given, **options):
    threading.Timer(after, os._exit, (9,)).start()
    begun(self, *given, **options)
    os._exit(0)
upload.Target.upload = upload_then_die
hspyio.save(address, hspyio.Signal(data), overwrite=True, compression=None, storage_options=options)
"""


def test_a_program_that_dies_on_the_way_leaves_the_old_object(s3: dict[str, Any]) -> None:
    """Killed at ten instants of an upload of 16 MB in parts."""
    name = f"s3://{BUCKET}/killed.hspy"
    old = np.arange(1000.0)
    hspyio.save(name, hspyio.Signal(old), storage_options=s3)
    new = np.random.default_rng(1).integers(0, 2**16, (8, 1000, 1000)).astype("u2")
    ends = set()
    for number in range(10):
        command = [sys.executable, "-c", KILLED, name, s3["endpoint_url"], str(0.005 * 1.9**number)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode in (0, 9), ended.stderr
        ends.add(ended.returncode)
        found = hspyio.load(name, storage_options=s3).data
        expected = old if found.shape == old.shape else new
        assert (found == expected).all()
        assert ended.returncode == 9 or expected is new
        hspyio.save(name, hspyio.Signal(old), storage_options=s3, overwrite=True)
    assert 9 in ends


def test_a_bad_signal_touches_nothing(s3: dict[str, Any]) -> None:
    name = f"s3://{BUCKET}/bad.hspy"
    with pytest.raises(hspyio.HspyError, match=f"{name}: one value cannot be saved"):
        hspyio.save(name, hspyio.Signal(np.zeros(3), metadata={"A": object()}), storage_options=s3)
    with pytest.raises(MissingFileError):
        hspyio.load(name, storage_options=s3)


def test_words_for_buckets_and_web_servers_are_told_apart(server: Server) -> None:
    server.wanted = "Bearer x"
    try:
        with pytest.raises(HspyError, match=r"storage_options=\{'headers': \{'Authorization'"):
            hspyio.load(f"{server.url}/small.hspy")
        headers = {"headers": {"Authorization": "Bearer x"}}
        hspyio.load(f"{server.url}/small.hspy", storage_options=headers)
    finally:
        server.wanted = None
    with pytest.raises(OptionError, match="'anon', which is for buckets; web servers are told"):
        hspyio.load(f"{server.url}/small.hspy", storage_options={"anon": True})
    for address in ("s3://bucket", "s3://bucket/", "gs://bucket/folder/"):
        with pytest.raises(OptionError, match="names a bucket or a folder in it, and no file"):
            hspyio.load(address)


def test_a_store_of_the_environment(s3: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3["endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    name = hspyio.save(f"s3://{BUCKET}/environment.hspy", hspyio.Signal(np.arange(5.0)))
    assert hspyio.load(name).data.tolist() == [0, 1, 2, 3, 4]
    with_word = {**s3, "allow_http": True}
    assert hspyio.info(name, storage_options=with_word).size > 0
    with pytest.raises(OptionError, match="the endpoint has to begin with https:// or http://"):
        hspyio.load(name, storage_options={"endpoint_url": "127.0.0.1:80"})


def test_no_credentials_are_told(s3: dict[str, Any]) -> None:
    wrong = {**s3, "endpoint_url": "http://127.0.0.1:1", "retries": 0}
    for call in (
        lambda: hspyio.load(f"s3://{BUCKET}/a.hspy", storage_options=wrong),
        lambda: hspyio.load(f"s3://{BUCKET}/gone.hspy", storage_options=s3),
    ):
        with pytest.raises(HspyError) as caught:
            call()
        assert "S3CRET" not in str(caught.value) + repr(caught.value)


def test_ragged_data_and_texts_take_few_requests(server: Server, files: Path) -> None:
    rows = np.empty(3000, object)
    rows[:] = [np.arange(n % 500) for n in range(3000)]
    hspyio.save(files / "ragged.hspy", hspyio.Signal(rows))
    near = hspyio.load(files / "ragged.hspy")
    server.forget()
    far = hspyio.load(f"{server.url}/ragged.hspy")
    assert list(signal_differences(far, near)) == []
    assert server.requests <= 12


# hostile


@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
@pytest.mark.parametrize("name", ["v3.3.hspy", "chunked.hspy"])
def test_mutants_raise_nothing_of_their_own(name: str, server: Server, files: Path) -> None:
    """A few of the many that ``make torture`` reads."""
    content = (files / name).read_bytes()
    for seed in range(40):
        (files / "mutant.hspy").write_bytes(mutant(content, random.Random(seed).getrandbits(30)))
        try:
            hspyio.load(f"{server.url}/mutant.hspy", errors="warn", lazy=True).data.compute()
        except HspyError:
            continue


def test_ctrl_c_stops_at_once(server: Server) -> None:
    import signal as signals

    server.always.add("hang")
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signals.SIGINT))
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            hspyio.load(f"{server.url}/chunked.hspy")
    finally:
        server.always.discard("hang")
        timer.cancel()
    assert time.monotonic() - began < 20
