"""Snakemake writes parameters down as it would by itself, and imports pandas only for tables."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from snakemake.persistence import PersistenceBase
from pocketvlad.study.parameters import spare_pandas

PersistenceBase.__abstractmethods__ = frozenset()
job = object.__new__(PersistenceBase)
if "spare" in sys.argv:
    spare_pandas()
for value in (None, 1, "a", [1, "b"], {"c": 2.5}):
    print(job._serialize_param(value))
print("pandas" in sys.modules, file=sys.stderr)
import pandas
print(job._serialize_param(pandas.DataFrame({"a": [1, 2]})))
print(job._serialize_param(pandas.Series([1.5])))
"""


def written(*arguments):
    """(what is written down, whether that imported pandas)."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 0, run.stderr
    return run.stdout, run.stderr.strip()


@pytest.fixture(scope="module")
def by_itself():
    return written()


def test_parameters_are_the_same_and_pandas_is_spared(by_itself):
    assert by_itself[1] == "True"
    assert written("spare") == (by_itself[0], "False")
