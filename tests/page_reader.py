"""What the page's own readers (page/src, in JavaScript) make of files, by Node."""

import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from workflow_runs import ROOT

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def run_node(*words: object, **options: object) -> subprocess.CompletedProcess:
    """Without compilations in the background: rarely these and Node's end wait for each other for
    ever (nodejs/node, issue 54918)."""
    command = ["node", "--single-threaded", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def evaluated(code: str) -> object:
    """What a JavaScript module prints as JSON."""
    run = run_node("--input-type=module", "-e", code)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def module(name: str) -> str:
    """A module of the page, as a string in JavaScript: `"city/digest.js"`."""
    return json.dumps((ROOT / "page" / "src" / name).as_uri())


def _run(what: str, files: Sequence[bytes], options: Sequence[dict]) -> tuple[dict, np.ndarray]:
    """(what `page/tests/read_files.js` says, the numbers it has read)"""
    with tempfile.TemporaryDirectory() as name:
        folder, begin, places = Path(name), 0, []
        for data, each in zip(files, options, strict=True):
            places.append((begin, begin + len(data), each))
            begin += len(data)
        (folder / "files.bin").write_bytes(b"".join(files))
        (folder / "files.json").write_text(json.dumps(places))
        run = run_node(ROOT / "page" / "tests" / "read_files.js", what, folder)
        assert run.returncode == 0, run.stderr
        said = json.loads((folder / "found.json").read_text())
        return said, np.fromfile(folder / "numbers.bin", "<f4")


def read_models(files: Sequence[bytes], most: int = 1 << 20) -> tuple[list[dict], dict]:
    """What the page reads of each file, and what it took for all.

    Each is `{"refused": message}`, or `header` and `layers`, a dict each: `name`, `part`, `role`,
    `shape`, `coding`, `symbols` (their SHA-256; None for other codings) and `values` (float32).
    """
    said, numbers = _run("models", files, [{"most": most}] * len(files))
    begin = 0
    for each in said["found"]:
        for layer in each.get("layers", []):
            count = math.prod(layer["shape"])
            layer["values"] = numbers[begin : begin + count].reshape(layer["shape"])
            begin += count
    assert begin == len(numbers)
    return said["found"], said["used"]


def read_cities(manifests: Sequence[bytes]) -> list[dict]:
    """What the page reads of each `city.json`, or `{"refused": message}`."""
    said, _ = _run("cities", manifests, [{}] * len(manifests))
    return said["found"]


def read_maps(
    files: Sequence[bytes], queries: Sequence[np.ndarray], count: int = 5
) -> tuple[list[dict], dict]:
    """What the page reads of each map, and finds in it for its `queries` [Q, D].

    Each is `{"refused": message}`, or `places`, `code`, `provenance`, `names`, `positions`,
    `answers` (`place` and `similarity`, `count` for each query), and for the code, then the finer
    one: `rows` [N, L] and `prepared` [Q, L].
    """
    options = [{"queries": np.asarray(each).tolist(), "count": count} for each in queries]
    said, numbers = _run("maps", files, options)
    begin = 0
    for each, given in zip(said["found"], queries, strict=True):
        if "refused" in each:
            continue
        each["names"] = [os.fsdecode(bytes.fromhex(name)) for name in each["names"]]
        each["rows"], each["prepared"] = [], []
        for length in filter(None, each["lengths"]):
            for key, rows in (("rows", each["places"]), ("prepared", len(given))):
                piece = numbers[begin : begin + rows * length]
                each[key].append(piece.reshape(rows, length))
                begin += rows * length
    return said["found"], said["used"]
