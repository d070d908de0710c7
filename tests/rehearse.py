"""The study `paper` rehearsed: `make rehearsal`.

Makes stand-ins for the official archives and weights, serves them on this machine, and runs every
job of config/paper.yaml with config/rehearsal.yaml over it, to table, figures, cards and report.
Everything is written to one folder. A rehearsal that was ended goes on with the same command.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from file_server import FileServer, body, file_server
from official_archives import CITIES, drawn, official_lists, photographs, write_official_archives
from official_weights import write_official_weights
from rehearsal_checks import faults
from workflow_runs import load_config

from pocketvlad.util.checksum import file_digest

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = (ROOT / "config" / "paper.yaml", ROOT / "config" / "rehearsal.yaml")
OFFICIAL = ROOT / "pocketvlad" / "data" / "official" / "sources.yaml"
SEED = 1
_BREAKS_OFF = "oxbuild_images-v1.tgz"  # the largest archive, once, half-way


def make_files(folder: Path, real: Path, models: Mapping[str, Mapping]) -> list[Path]:
    """The archives and weights in `folder`, made once.

    Args:
        real: the folder of the real subset; where it has no photographs, pictures are drawn.
    """
    of_photographs = (real / "oxford_images.tar").is_file()
    made = {"seed": SEED, "photographs": of_photographs, "models": models}
    note = folder / "made.json"
    if note.is_file() and (held := json.loads(note.read_text()))["made"] == made:
        return [folder / name for name in held["files"]]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = write_official_weights(models, folder, SEED)
    for number, city in enumerate(CITIES):
        seed = SEED + number
        if of_photographs:
            known = official_lists(real, city, folder / "lists" / city)
            files += write_official_archives(city, folder, photographs(real, city), known, seed)
        else:
            files += write_official_archives(city, folder, drawn(city, seed), seed=seed)
    note.write_text(json.dumps({"made": made, "files": [path.name for path in files]}))
    return files


def served_sources(files: Iterable[Path], server: FileServer) -> dict[str, dict[str, object]]:
    """`files` as sources at the server. What is declared of the official file, a checksum or a
    size, is declared of its stand-in, too, and nothing else is."""
    official = yaml.safe_load(OFFICIAL.read_text(encoding="utf-8"))["sources"]
    sources = {}
    for path in files:
        declared, content = official[path.name], path.read_bytes()
        whole = body(content)
        answers = [body(content, cut=len(content) // 2)] if path.name == _BREAKS_OFF else []
        source = {"urls": [server.put(f"/{path.name}", *answers, whole)]}
        source["licence"] = "made up for a rehearsal, of no use"
        if "checksum" in declared:
            kind = declared["checksum"].partition(":")[0].removesuffix("-prefix")
            source["checksum"] = f"{kind}:{file_digest(path, kind)}"
        if "size" in declared:
            source["size"] = len(content)
        sources[path.name] = source
    return sources


@contextmanager
def mirror(folder: Path, real: Path) -> Iterator[tuple[Path, FileServer]]:
    """(the config of the sources, the server), while the files are served."""
    files = make_files(folder / "mirror", real, load_config(*CONFIGS)["models"])
    with file_server() as server:
        config = folder / "sources.yaml"
        config.write_text(yaml.safe_dump({"sources": served_sources(files, server)}))
        yield config, server


def workflow(folder: Path, sources: Path, *arguments: str) -> int:
    """Run Snakemake in `folder`; returns its exit status."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    command += ["--directory", folder, *arguments, "--configfile", *CONFIGS, sources]
    nothing = folder / "no-data"  # real files that somebody has are no part of a rehearsal
    nothing.mkdir(exist_ok=True)
    hosts = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    environment = os.environ | hosts | {"POCKETVLAD_DATA": str(nothing)}
    return subprocess.run(list(map(str, command)), env=environment).returncode


def rehearse(folder: Path, real: Path, cores: int, options: Sequence[str]) -> int:
    """Everything; returns the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    with mirror(folder, real) as (sources, _):
        run = "--rerun-incomplete", "--cores", str(cores)
        if status := workflow(folder, sources, *run, *options):
            return status
        results = folder / "results" / "rehearsal"
        style = ROOT / "report" / "style.css"
        report = "--report", str(results / "report.html"), "--report-stylesheet", str(style)
        if status := workflow(folder, sources, *report):
            return status
    found = list(faults(folder))
    print("\n".join(found) or f"the rehearsal is complete: {results}")
    return bool(found)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python tests/rehearse.py", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "rehearsal", help="for all files")
    parser.add_argument("--cores", type=int, default=2)
    subset = os.environ.get("POCKETVLAD_DATA", ROOT.parent / "shared" / "real")
    parser.add_argument("--real", type=Path, default=subset, help="the folder of the real subset")
    parser.add_argument("options", nargs="*", help="Snakemake's own, after --")
    arguments = parser.parse_args(words)
    return rehearse(
        arguments.folder.resolve(), Path(arguments.real), arguments.cores, arguments.options
    )


if __name__ == "__main__":
    sys.exit(main())
