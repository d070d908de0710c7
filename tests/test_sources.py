"""Where files lie, and whether they are the right ones."""

import hashlib
import json

import pytest
import yaml
from conftest import ROOT
from workflow_runs import OFFICIAL

from pocketvlad.data.sources import (
    DOWNLOADS,
    Source,
    declared_source,
    lock_source,
    source_path,
    verify_declared,
    verify_source,
)
from pocketvlad.util.checksum import ChecksumError, verify_file

CONTENT = b"the archive"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
WEB = "https://example.org/city.tgz"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "city.tgz"
    path.write_bytes(CONTENT)
    return path


def test_the_manifest_is_read():
    sources = yaml.safe_load((ROOT / OFFICIAL / "sources.yaml").read_text())["sources"]
    oxford = declared_source(sources, "oxbuild_images-v1.tgz")
    assert oxford.size == 1_938_238_004
    assert oxford.checksum == "md5:8f0017cc5d671f35011d6968269fbf47"
    assert len(oxford.web_urls) == 2
    for name, declared in sources.items():
        assert declared["licence"]
        # A file is called at its publisher's what it is called here.
        assert all(url.removeprefix("file:").endswith(name) for url in declared["urls"])


@pytest.mark.parametrize(
    "checksum",
    [
        None,
        f"sha256:{DIGEST}",
        f"md5:{hashlib.md5(CONTENT).hexdigest()}",
        f"sha256-prefix:{DIGEST[:8]}",
    ],
)
def test_the_right_file(file, checksum):
    verify_file(file, checksum)
    verify_file(file, checksum, len(CONTENT))
    with pytest.raises(ChecksumError, match=r"city\.tgz: 11 bytes found, 12 expected"):
        verify_file(file, checksum, 12)


@pytest.mark.parametrize("kind", ["md5", "sha256", "sha256-prefix"])
def test_a_wrong_file(file, kind):
    with pytest.raises(ChecksumError, match=f"{kind} .* found, 00000000 expected.*fetch it again"):
        verify_file(file, f"{kind}:00000000")


def test_a_prefix_is_no_part_from_the_middle(file):
    with pytest.raises(ChecksumError, match="expected"):
        verify_file(file, f"sha256-prefix:{DIGEST[8:16]}")


def test_a_missing_file(tmp_path):
    with pytest.raises(ChecksumError, match=r"x\.tgz is missing.*POCKETVLAD_DATA"):
        verify_file(tmp_path / "x.tgz", None)


def test_a_local_copy_is_used_where_it_lies(tmp_path, file):
    elsewhere = tmp_path / "elsewhere" / "old-name.tgz"
    source = Source("city.tgz", (WEB, f"file:{elsewhere}"))
    assert source_path(source, tmp_path) == file
    file.unlink()
    assert source_path(source, tmp_path) == DOWNLOADS / "city.tgz"
    elsewhere.parent.mkdir()
    elsewhere.touch()
    assert source_path(source, tmp_path) == elsewhere
    file.touch()
    assert source_path(source, tmp_path) == file


def test_a_source_without_web_urls_is_local(tmp_path):
    source = Source("city.tgz", ("file:photographs/city.tar",))
    assert source_path(source, tmp_path) == tmp_path / "photographs" / "city.tar"


PACKAGE = ("package:pocketvlad-example-weights/example_weights/net.pth",)


def installed(folder):
    """A package of one file, in a folder that Python looks into; its code is not to be run."""
    (folder / "example_weights").mkdir()
    (folder / "example_weights" / "__init__.py").write_text("raise SystemExit('was run')")
    (folder / "example_weights" / "net.pth").write_bytes(CONTENT)
    about = folder / "pocketvlad_example_weights-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: pocketvlad-example-weights\nVersion: 0.1.0\n")
    return folder / "example_weights" / "net.pth"


def test_a_file_of_an_installed_package(tmp_path, monkeypatch):
    """It is not imported."""
    source = Source("net.pth", PACKAGE, size=len(CONTENT))
    assert source.packages == ["pocketvlad-example-weights"]
    assert not source.web_urls
    absent = source_path(source, tmp_path / "data")
    assert absent.parts[-2:] == ("example_weights", "net.pth")
    assert not absent.exists()
    file = installed(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = source_path(source, tmp_path / "data")
    assert found.samefile(file)
    verify_source(source, found, tmp_path)
    # One in the data folder goes before it.
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "net.pth").touch()
    assert source_path(source, tmp_path / "data") == tmp_path / "data" / "net.pth"


def test_a_first_download_is_recorded_once(tmp_path, file):
    source = Source("city.tgz", (WEB,))
    lock_source(source, file, WEB, tmp_path)
    lock = tmp_path / "city.tgz.lock.json"
    recorded = {"checksum": f"sha256:{DIGEST}", "size": 11, "url": WEB}
    assert json.loads(lock.read_text()) == recorded
    verify_source(source, file, tmp_path)
    file.write_bytes(b"the Archive")
    lock_source(source, file, WEB, tmp_path)
    assert json.loads(lock.read_text()) == recorded
    with pytest.raises(ChecksumError, match=r"sha256.*city\.tgz\.lock\.json recorded.*new version"):
        verify_source(source, file, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["city.tgz", "city.tgz.lock.json"]


def test_a_published_checksum_goes_before_the_lock(tmp_path, file):
    lock = tmp_path / "city.tgz.lock.json"
    lock.write_text(json.dumps({"checksum": f"sha256:{'0' * 64}", "size": 11}))
    verify_source(Source("city.tgz", (WEB,), f"sha256:{DIGEST}"), file, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"checksum": "abc", "size": 11}'])
def test_a_damaged_lock_does_not_pass_everything(tmp_path, file, text):
    (tmp_path / "city.tgz.lock.json").write_text(text)
    with pytest.raises(ChecksumError, match=r"city\.tgz\.lock\.json is damaged; delete it"):
        verify_source(Source("city.tgz", (WEB,)), file, tmp_path)


def test_files_of_a_rule_are_held_against_their_declarations(tmp_path, file, monkeypatch):
    """A local copy, too, is held against the lock file of the first download."""
    monkeypatch.chdir(tmp_path)
    declared = {"name": "city.tgz", "checksum": None, "size": 11}
    verify_declared({str(file): declared})
    DOWNLOADS.mkdir()
    lock_source(Source("city.tgz"), file, WEB, DOWNLOADS)
    verify_declared({str(file): declared})
    file.write_bytes(b"the Archive")
    with pytest.raises(ChecksumError, match="recorded at the first download"):
        verify_declared({str(file): declared})
    with pytest.raises(ChecksumError, match="12 expected"):
        verify_declared({str(file): declared | {"size": 12}})
