"""Compiled functions work where nothing can be written."""

import os
import subprocess
import sys

import pytest

FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
CALL = """
from pocketvlad.util.compiled import compiled

def doubled(number):
    return 2 * number

function = compiled(doubled)
assert [function(21), function(21), function(2.5)] == [42, 42, 5.0]
"""


@pytest.mark.parametrize(("before", "kept"), [("", 3), (FULL, 0)])
def test_where_the_disk_is_full(tmp_path, before, kept):
    """Kept are an index and machine code for whole numbers and for others."""
    script, folder = tmp_path / "script.py", tmp_path / "kept"
    script.write_text(before + CALL)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    subprocess.run([sys.executable, "-B", str(script)], env=environment, check=True)
    assert sum(path.stat().st_size > 0 for path in folder.rglob("*.nb*")) == kept
