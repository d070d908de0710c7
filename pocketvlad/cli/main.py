"""The command `pocketvlad`: look into, decode and use compressed models."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from pocketvlad.cli import verbs
from pocketvlad.cli.outputs import require_outputs
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.discovery import module_names, summaries
from pocketvlad.util.disk_space import DiskSpaceError
from pocketvlad.util.option_error import OptionError
from pocketvlad.util.refusals import is_out_of_memory, remedy
from pocketvlad.util.shown import shown

VERBS = module_names(verbs.__path__)
"""Each is a module, which is imported when it is asked for."""

_BROKEN_PIPE = 141  # what a shell reports of programs that end so: 128 and the signal's number
_INTERRUPTED = 130
_SHOW = warnings.showwarning


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The command line: the verb that `words` begin with, or a line on each."""
    top = argparse.ArgumentParser("pocketvlad", description=__doc__)
    known = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = [name for name in VERBS if name in words[:1]]
    for name in asked:
        module = import_module(f"{verbs.__name__}.{name}")
        own = known.add_parser(name, description=module.__doc__)
        module.add_arguments(own)
        own.set_defaults(run=module.run, outputs=module.OUTPUTS)
    if not asked:
        for name, summary in summaries(verbs.__path__).items():
            known.add_parser(name, help=summary.replace("%", "%%"))
    return top


def _message(error: Exception) -> str:
    """What an error says, in one line; options as they are typed."""
    text = str(error)
    if isinstance(error, OptionError):
        words = error.value if isinstance(error.value, tuple) else (error.value,)
        value = "" if error.value is None else f" {' '.join(map(str, words))}"
        text = f"--{error.option.replace('_', '-')}{value}: {error.remedy}"
    if isinstance(error, OSError) and error.errno and error.strerror:
        text = _refused(error)
    if isinstance(error, ModuleNotFoundError) and "pip install" not in text:
        text = f"{text}; pip install 'pocketvlad[torch]'"
    return shown(" ".join(text.split("\n")))


def _refused(error: OSError) -> str:
    """What the system refuses, without its number."""
    file = "" if error.filename is None else os.fsdecode(error.filename)
    if file and isinstance(error, FileNotFoundError):
        return f"{file} is missing"
    if file and isinstance(error, IsADirectoryError):
        return f"{file} is a folder; give a file"
    return "; ".join(filter(None, [": ".join(filter(None, [file, error.strerror])), remedy(error)]))


def _without_memory(arguments: argparse.Namespace) -> str:
    """What to do where memory is refused."""
    smaller = "describe smaller images (--image-size), " if "image_size" in arguments else ""
    return f"out of memory; {smaller}end other programs, or take a machine with more of it"


def _tell(verb: str, message: str) -> int:
    """Print an error in one line.

    Returns:
        the exit status.
    """
    try:
        print(f"pocketvlad {verb}: {message}", file=sys.stderr)
    except BrokenPipeError:
        _close_streams()
    return 1


def _show(message: Warning, category: type[Warning], *where: object) -> None:
    """A line; where in the code it was given only if it is of another library."""
    if issubclass(category, PhotographWarning):
        print(shown(message), file=sys.stderr)
    else:
        _SHOW(message, category, *where)


def _open_streams() -> None:
    """Make sure that whatever is printed can be: a stream may be closed, a name of any bytes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - until the process ends
        elif hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _close_streams() -> None:
    """What is still to be written at the end of the process goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb.

    What users can cause (a missing or damaged file, a wrong box, images too large for the memory)
    is told in one line; anything else is a defect and shows its traceback.

    Returns:
        the exit status: 0; 1 after an error of the input; 141 where the reader of the output has
        gone. Wrong usage ends the process with 2.
    """
    words = sys.argv[1:] if words is None else words
    _open_streams()
    arguments = parser(words).parse_args(words)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", PhotographWarning)
            warnings.showwarning = _show
            require_outputs(arguments, arguments.outputs)
            arguments.run(arguments)
            sys.stdout.flush()
    except BrokenPipeError:
        _close_streams()
        return _BROKEN_PIPE
    except (OSError, ValueError, ImportError, DiskSpaceError) as error:
        return _tell(arguments.verb, _message(error))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return _tell(arguments.verb, _without_memory(arguments))
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
