"""The classifier's benchmark on a few small pictures: its figures need photographs and minutes."""

import subprocess
import sys

from workflow_runs import ROOT


def test_a_row_is_measured_once(photograph, tmp_path):
    for number in range(6):
        photograph(f"pictures/{number}.jpg", 90, 80, seed=number)
    pictures = tmp_path / "pictures"
    command = [sys.executable, str(ROOT / "tests" / "benchmark_classifier.py")]
    command += ["efficientnet-lite0-57934424.pth", str(pictures), str(pictures), "results"]
    command += ["--crops", "4", "--projection-crops", "8", "--asked", "6", "--image-size", "48"]

    def run(*rows):
        return subprocess.run(
            [*command, "--rows", *rows], cwd=tmp_path, capture_output=True, text=True
        )

    row = "optq:0.5:row"
    first = run(row)
    assert first.returncode == 0, first.stderr
    assert f"row 1 of 1: {row}" in first.stdout
    table = (tmp_path / "results" / "table.md").read_text()
    assert row in table
    assert "6 photographs" in first.stdout
    assert f"row 1 of 1: {row}" not in run(row).stdout
    refused = run("optq:0.5:column")
    assert refused.returncode
    assert "'optq:0.5:column' is no row; write one of rd:distortion" in refused.stderr
