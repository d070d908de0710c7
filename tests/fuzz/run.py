"""Search for inputs that a reader must not fail on, guided by what they reach in the code.

    python tests/fuzz/run.py READER SECONDS

What was found is kept in fuzz/READER: `corpus`, from which the next search goes on; `findings`, the
inputs that the reader failed on, one of a kind; `runs.tsv`, how long and how many were tried.
"""

import argparse
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

_TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

WORK = _TESTS.parent / "fuzz"
_INPUT_SECONDS = 20  # that a reader may take
_LONGEST = 8192  # bytes of an input
_MOST_ENDED = 20  # processes that did not live to the end
_ONE_IN = 8  # is changed as plain bytes, whatever the format
# Numba compiles these from their byte code, which must be as it was written.
_COMPILED = ("pocketvlad.format.rans", "pocketvlad.format.symbol_model", "pocketvlad.util.compiled")
_PARSERS = ["PIL", "tarfile", "zipfile", "pickle", "csv", "scipy", "h5py", "gzip", "safetensors"]


def search(name: str, seconds: int, number: int) -> None:
    """In this process, until the time has passed or something was found."""
    import random
    import tempfile

    import atheris

    with atheris.instrument_imports(include=["pocketvlad", *_PARSERS], exclude=[*_COMPILED]):
        from fuzz.trial import FindingError, kind_of, limit_depth, reader, trial

        module = reader(name)
    work = WORK / name
    for place in ("corpus", "findings", "seeds"):
        (work / place).mkdir(parents=True, exist_ok=True)
    for count, data in enumerate(module.seeds()):
        (work / "seeds" / f"{count}").write_bytes(data)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for path in (work / "seeds").iterdir():  # what is loaded or compiled once is nobody's memory
        trial(module, path.read_bytes(), folder)

    known = {path.name for path in (work / "findings").iterdir()}

    def one(data: bytes) -> None:
        try:
            trial(module, data, folder)
        except FindingError as finding:  # one of a kind is kept, and the search goes on
            kind = kind_of(finding)
            if kind not in known:
                known.add(kind)
                (work / "findings" / kind).write_bytes(data)
                print(f"FOUND {kind}: {str(finding)[:300]}", flush=True)

    def changed(data: bytes, most: int, seed: int) -> bytes:
        def change(part: bytes) -> bytes:
            return atheris.Mutate(part, max(64, min(most, 2 * len(part))))

        source = random.Random(seed)
        if source.randrange(_ONE_IN):
            try:
                return module.changed(data, source, change)[:most]
            except Exception:  # the format is broken already
                pass
        return atheris.Mutate(data, most)

    kept = [work / "corpus", work / "seeds", _TESTS / "fuzz" / "corpus" / name]
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={_INPUT_SECONDS}",
        f"-artifact_prefix={work / 'findings'}/",
        f"-max_len={_LONGEST}",
        f"-seed={number}",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        *[str(each) for each in kept if each.is_dir()],
    ]
    mutator = {"custom_mutator": changed} if hasattr(module, "changed") else {}
    limit_depth()
    atheris.Setup([sys.argv[0], *options], one, **mutator)
    atheris.Fuzz()


def _processor_seconds() -> float:
    """Of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Searches in processes of their own: a library that crashes ends one, and the next goes on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader")
    parser.add_argument("seconds", type=int)
    parser.add_argument("--number", type=int, help="of the search: what it draws follows from it")
    given = parser.parse_args()
    if given.number is not None:
        search(given.reader, given.seconds, given.number)
        return 0
    work = WORK / given.reader
    work.mkdir(parents=True, exist_ok=True)
    record = work / "runs.tsv"
    if not record.exists():
        record.write_text("date\tseconds\tof processor\tinputs\tfindings\n")
    end, ended = time.monotonic() + given.seconds, 0
    while (left := int(end - time.monotonic())) > 5 and ended < _MOST_ENDED:
        number = len(record.read_text().splitlines())
        begin, used = time.monotonic(), _processor_seconds()
        words = [sys.executable, __file__, given.reader, str(left), "--number", str(number)]
        log = work / "log.txt"
        with open(log, "wb") as out:
            status = subprocess.run(words, stdout=out, stderr=out).returncode
        text = log.read_text(errors="replace")
        executed = re.findall(r"(?:#|number_of_executed_units: )(\d+)", text)
        found = re.findall(r"FOUND .*", text)
        if status:  # a crash of a library, or a reader that does not end
            ended += 1
            found += re.findall(r".*ERROR: .*", text)[:1]
            log.rename(work / f"log-{number}.txt")
        spent = round(time.monotonic() - begin), round(_processor_seconds() - used)
        row = time.strftime("%F"), *spent, executed[-1] if executed else 0, len(found)
        with open(record, "a") as file:
            print(*row, sep="\t", file=file)
        print(given.reader, *row, *found, sep="\n  ", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
