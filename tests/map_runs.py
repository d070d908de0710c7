"""Runs of `update_map` in processes of their own, which may be killed or find a full disk."""

import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np

from pocketvlad.format import map_writer
from pocketvlad.maps import described_photographs, journal, map_update, photograph_map
from pocketvlad.maps.map_code import code_named
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util import atomic

LENGTH, BATCH = 32, 5
TRACED = {
    module.__file__
    for module in (map_writer, described_photographs, journal, map_update, photograph_map, atomic)
}
_NEW_NAMESPACE, _NEW_USER, _REMOUNT, _PRIVATE = 0x00020000, 0x10000000, 32, 1 << 18 | 1 << 14

CONTEXT = multiprocessing.get_context("forkserver")
# By names that are found without a path of the tests; else each process would import them anew.
CONTEXT.set_forkserver_preload(["pocketvlad.maps.photograph_map", "faiss"])


def pictures(folder):
    return {path.name: Picture(path, (9, 9)) for path in folder.glob("*.jpg")}


def rows(given):
    """What the network of these tests says: of a file's content alone."""
    for start in range(0, len(given), BATCH):
        numbers = list(range(start, min(start + BATCH, len(given))))
        seeds = [np.frombuffer(given[number].path.read_bytes(), np.uint8) for number in numbers]
        found = [np.random.default_rng(seed).normal(size=LENGTH) for seed in seeds]
        yield numbers, np.array([row / np.linalg.norm(row) for row in found], np.float32)


DESCRIBER = described_photographs.Describer(
    json.dumps({"model_sha256": "ab" * 32, "preprocessing": {}, "sizing": {}}, sort_keys=True),
    LENGTH,
    rows,
    lambda picture: None,
)


def update(path, folder, code="int8", lists=3):
    wishes = map_update.Wishes(code_named(code), lists=lists)
    return photograph_map.update_map(path, pictures(folder), DESCRIBER, wishes)


def _killed_at(moment, lines):
    """A trace that counts the lines that are run of what makes a map, and kills at one of them."""

    def trace(frame, event, _):
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            lines.value += 1
            if lines.value == moment:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def _traced(path, folder, moment, lines):
    sys.settrace(_killed_at(moment, lines))
    update(path, folder)
    sys.settrace(None)


def run(path, folder, moment=None):
    """(exit code, lines that were run) of a process that is killed at the line `moment`."""
    lines = CONTEXT.Value("q", 0)
    process = CONTEXT.Process(target=_traced, args=(path, folder, moment, lines))
    process.start()
    process.join()
    return process.exitcode, lines.value


def told(function, *given):
    """What the function sends from a process of its own."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=function, args=(sender, *given))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _error_of(path, folder, code):
    try:
        update(path, folder, code, lists=0)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def with_short_files(sender, path, folder, longest, writing):
    """The error where no file may be longer; `writing`: from when the map is written."""
    real = photograph_map.write_places

    def limited(*given, **more):
        resource.setrlimit(resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))
        return real(*given, **more)

    if writing:
        photograph_map.write_places = limited
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))
    sender.send(_error_of(path, folder, "int8"))


def _mount(folder, size, flags=0):
    system = ctypes.CDLL(None, use_errno=True)
    if system.mount(b"none", os.fsencode(folder), b"tmpfs", flags, f"size={size}".encode()):
        raise OSError(ctypes.get_errno(), "mount")


def _own_mounts():
    """Mounts of this process are seen by no other."""
    system, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if system.unshare(_NEW_NAMESPACE | _NEW_USER):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {user} 1"),
        ("gid_map", f"0 {group} 1"),
    ):
        Path("/proc/self", name).write_text(text)
    if system.mount(b"none", b"/", None, _PRIVATE, None):
        raise OSError(ctypes.get_errno(), "mount")


def on_a_small_disk(sender, disk, folder, sizes):
    """For each size of a disk, which grows: (error, names and sizes of files); then the map's
    bytes. None where a process may not mount."""
    try:
        _own_mounts()
        _mount(disk, sizes[0])
    except OSError:
        sender.send(None)
        return
    found = []
    for size in sizes:
        _mount(disk, size, _REMOUNT)
        error = _error_of(disk / "city.pvmap", folder, "float32")
        found.append((error, {each.name: each.stat().st_size for each in disk.iterdir()}))
    sender.send((found, (disk / "city.pvmap").read_bytes()))


def peak_of_a_map(sender, path, places, components):
    """Bytes of memory that making codes of so many places and writing them takes at the most."""
    from pocketvlad.maps.fitted_code import fit
    from pocketvlad.maps.place_map import write_places
    from pocketvlad.util.memory import peak_memory_mb

    generator = np.random.default_rng(0)

    def block(count):
        return generator.normal(size=(count, components)).astype(np.float32)

    fitted = fit(code_named("int8"), block(1000), 0)
    fitted.encode(block(1000))
    before = peak_memory_mb()
    codes = np.empty((places, components), np.uint8)
    for start in range(0, places, 2000):
        codes[start : start + 2000] = fitted.encode(block(2000))
    names = [f"{number:08}.jpg" for number in range(places)]
    write_places(path, names=names, codes=codes, code=fitted, made_with=DESCRIBER.made_with)
    sender.send(1e6 * (peak_memory_mb() - before))
