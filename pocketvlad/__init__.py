"""PocketVLAD: place recognition networks, compressed and measured.

    model = pocketvlad.load("small.pvlad")
    rows = model.describe(["a.jpg", "b.jpg"])

The functions and classes of `pocketvlad.api` are handed out here. Each is imported when it is
first asked for: `import pocketvlad` alone imports nothing, so that a job of the workflow depends
only on the modules that it uses.
"""

from importlib import import_module

_MODULES = {
    "Answers": "answers",
    "City": "city",
    "Contents": "files",
    "Evaluation": "evaluation",
    "Exported": "exporting",
    "Indexed": "indexing",
    "Map": "maps",
    "Model": "model",
    "Packed": "packing",
    "RecallEvaluation": "recall",
    "compress": "compressing",
    "decode": "files",
    "evaluate": "evaluation",
    "export": "exporting",
    "index": "indexing",
    "inspect": "files",
    "load": "loading",
    "open_map": "maps",
    "pack": "packing",
    "recall": "recall",
}
"""The modules of `pocketvlad.api`, by what they hand out."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.api.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error}; pip install 'pocketvlad[torch]'", name=error.name
        ) from None
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
