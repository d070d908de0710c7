"""The command `pocketvlad`: look into, decode and use compressed models."""

import argparse
import sys
from collections.abc import Sequence

from pocketvlad.cli import compress, decode, describe, evaluate, inspect, search

VERBS = {
    "compress": (compress, "round a model to a drop or a size, on photographs of your own"),
    "inspect": (inspect, "what is in a model file, layer by layer, and what it weighs"),
    "decode": (decode, "turn a compressed model into float32 weights (safetensors)"),
    "describe": (describe, "describe images by a model, as rows of an .npz file"),
    "evaluate": (evaluate, "score descriptors on Oxford, Paris or a city of your own"),
    "search": (search, "find the images of a folder that show the same place as a query"),
}


def parser() -> argparse.ArgumentParser:
    """The command line of all verbs."""
    top = argparse.ArgumentParser("pocketvlad", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (module, summary) in VERBS.items():
        own = verbs.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb. Returns the exit status: 0, or 1 after an error of the input, 2 of usage.

    What users can cause (a missing or damaged file, a wrong box) is told in one line; anything
    else is a defect and shows its traceback.
    """
    arguments = parser().parse_args(words)
    try:
        arguments.run(arguments)
    except (OSError, ValueError) as error:
        print(f"pocketvlad {arguments.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
