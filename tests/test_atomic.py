"""Files that are there whole or not at all, where systems refuse."""

import errno
import os

import pytest

from pocketvlad.util.atomic import replacing


def test_a_name_as_long_as_systems_allow_is_written(tmp_path):
    """What is written first has a longer name than what it becomes."""
    path = tmp_path / ("x" * 250 + ".csv")
    with replacing(path) as unfinished:
        assert unfinished.suffix == ".csv"
        unfinished.write_text("a,b")
    assert path.read_text() == "a,b"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_it_is_written_names_the_file(tmp_path):
    """That of a full disk is of an open file, and says no name by itself."""
    path = tmp_path / "city.pvmap"
    with pytest.raises(OSError, match=r"No space left.*city\.pvmap"), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match=r"other\.jpg"), replacing(path):
        (tmp_path / "other.jpg").read_bytes()
    assert not list(tmp_path.iterdir())
