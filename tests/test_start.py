"""What a job pays before it begins: a study starts hundreds of processes."""

import subprocess
import sys

from workflow_runs import ROOT

READ = """
import sys
from pathlib import Path
from pocketvlad.networks.model import read_model
read_model(Path({file!r}))
print("torch._dynamo" in sys.modules, "sympy" in sys.modules)
"""


def test_reading_a_model_does_not_import_torchs_compiler():
    """To look at a network on the meta device may: it takes a second, of each job that scores."""
    file = str(ROOT / "tests" / "golden" / "version3.pvlad")
    command = [sys.executable, "-c", READ.format(file=file)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
