"""Every example in a docstring of the library runs. (Those of `api` need files: test_api.py.)"""

import doctest
from importlib import import_module

import pytest
from workflow_runs import ROOT

WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "pocketvlad").rglob("*.py"))
    if ">>> " in path.read_text() and "api" not in path.parts
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_run(name):
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert result.failed == 0
