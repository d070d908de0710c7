"""Where networks run. What needs a GPU is skipped, visibly, where there is none."""

import copy
import platform
import subprocess
import sys

import pytest
import torch
from networks import random_network

from pocketvlad.networks.device import DeviceError, chosen_device, computed_on, run_on

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
    """Page faults while a process takes and frees 40 MiB ten times, after the line `first`.

    Before that it does so thirty times: until the heap has a place for an aligned block.
    """
    program = f"""
import resource, torch
{first}
def block():
    torch.empty(10 * 2**20).fill_(1)
for _ in range(30):
    block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
def test_freed_memory_is_kept_for_the_next_layer():
    keep = "from pocketvlad.util.allocator import *; assert keep_freed_memory()"
    # By default each of the ten blocks is asked for anew, in small pages or in huge ones.
    assert page_faults_of_blocks(keep) < 10 <= page_faults_of_blocks("")


def heap_kept(first, blocks, mebibytes):
    """MiB by which the heap has grown once a process has freed `blocks`, after the line `first`.
    Nothing is written to them, so that they take no memory."""
    program = f"""
import ctypes
{first}
c = ctypes.CDLL(None)
c.malloc.restype = c.sbrk.restype = ctypes.c_void_p
c.malloc.argtypes, c.sbrk.argtypes = [ctypes.c_size_t], [ctypes.c_ssize_t]
c.free.argtypes = [ctypes.c_void_p]
before = c.sbrk(0)
for block in [c.malloc({mebibytes} << 20) for _ in range({blocks})]:
    c.free(block)
print(c.sbrk(0) - before)
"""
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(found.stdout) / 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
def test_however_much_is_freed_it_is_kept():
    keep = "from pocketvlad.util.allocator import *; keep_freed_memory()"
    # The block may begin in what the heap had left.
    assert heap_kept(keep, 1, 3072) > 3071


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
def test_small_blocks_are_kept_and_large_ones_go_back():
    keep = "from pocketvlad.util.allocator import *; assert keep_small_blocks()"
    assert heap_kept(keep, 20, 20) > 399
    assert heap_kept(keep, 10, 40) < 40
    assert heap_kept("", 20, 20) < 40
