"""Where networks run. What needs a GPU is skipped, visibly, where there is none."""

import copy
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from networks import random_network

from pocketvlad.device import DeviceError, chosen_device, computed_on, run_on

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
IMAGES = torch.rand(2, 3, 80, 96, generator=torch.Generator().manual_seed(0)) * 4 - 2


def test_without_a_gpu_all_is_computed_in_float32_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = random_network()
    expected = network(IMAGES)
    assert run_on(network, "auto", "mixed") is network
    assert computed_on(network) == "cpu"
    torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=0)
    with pytest.raises(DeviceError, match=r"compute\.device: 'cuda'.*write auto or cpu"):
        chosen_device("cuda")


def test_mixed_precision_rounds_convolutions_alone():
    """On a CPU, which can imitate it: bfloat16 has 8 bits, so that descriptors hardly turn."""
    network = random_network()
    exact = network(IMAGES)
    network.mixed = True
    mixed = network(IMAGES)
    assert mixed.dtype == torch.float32
    assert not torch.equal(mixed, exact)
    assert (mixed * exact).sum(dim=1).min() > 0.99
    assert network.features(IMAGES).dtype == torch.float32


def test_a_copy_computes_where_and_how_its_original_does():
    network = random_network()
    network.mixed = True
    assert copy.deepcopy(network).mixed


@GPU
def test_a_gpu_gives_the_cpus_descriptors():
    network = random_network()
    expected = network(IMAGES)
    run_on(network, "cuda", "float32")
    torch.testing.assert_close(network(IMAGES).cpu(), expected, rtol=1e-3, atol=1e-4)
    assert computed_on(network) == torch.cuda.get_device_name()


def page_faults_of_blocks(first):
    """Page faults while a process takes and frees 64 MiB ten times, after the line `first`."""
    program = f"""
import resource, torch
{first}
def block():
    torch.empty(2**24).fill_(1)
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    command = [sys.executable, "-c", program]
    tests = Path(__file__).parent
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tests)
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
def test_freed_memory_is_kept_for_the_next_layer():
    run = "from networks import random_network; from pocketvlad.device import run_on; "
    run += "run_on(random_network(), 'cpu', 'float32')"
    # By default each of the ten blocks is asked for anew, in small pages or in huge ones.
    assert 4 * page_faults_of_blocks(run) < page_faults_of_blocks("")
