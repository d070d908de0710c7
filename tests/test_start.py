"""What a job pays before it begins: a study starts hundreds of processes."""

import subprocess
import sys

import pytest
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


CODE = """
import sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from pocketvlad.format.compressed_file import read_compressed
from pocketvlad.format.layer_coding import decode_layer, encode_layer
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.study.template import load_coder
import numpy as np

if sys.argv[2:]:
    load_coder()
found = []
usual = Dispatcher._compile_for_args
Dispatcher._compile_for_args = lambda self, *given: found.append(self) or usual(self, *given)
read_compressed(Path(sys.argv[1]))
for shape in ((8, 4, 3, 3), (6, 5)):
    codes = (np.arange(np.prod(shape)) % 3).astype(np.uint8).reshape(shape)
    encode_layer(QuantizedTensor(codes, np.arange(3, dtype=np.float32)))
print(len(found))
"""


@pytest.mark.parametrize(("loaded", "expected"), [([], False), (["loaded"], True)])
def test_jobs_find_the_coder_loaded(loaded, expected):
    """Four functions: to load each takes a hundredth of a second, to compile it, a second."""
    command = [sys.executable, "-c", CODE, str(ROOT / "tests" / "golden" / "version3.pvlad")]
    run = subprocess.run([*command, *loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (int(run.stdout) == 0) is expected
