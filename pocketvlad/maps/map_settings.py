"""The config's section `map`, and words of options. Free of faiss, for the check of the config."""

from dataclasses import dataclass

from pocketvlad.util.settings import Value, setting

NO_POSITIONS = "none"
"""What is asked for where a map is to keep no positions."""

CODE = Value(form="the short text of a map code, such as int8, pq32 or bits-128+int8")


@dataclass(frozen=True, kw_only=True)
class MapSection:
    """As which bytes maps keep their places; each code is learnt on the training city alone."""

    codes: tuple[str, ...] = setting(
        "the codes of every model, see docs/map.md; float32, which drops refer to, is always among "
        "them",
        shortest=1,
        distinct=True,
        items=CODE,
    )
    places: tuple[int, ...] = setting(
        "sizes of maps, beside that of the test city, for which model and map are weighed together",
        (1000, 20000, 1000000),
        unit="places",
        shortest=1,
        distinct=True,
        items=Value(minimum=1),
    )
    cells: tuple[str, ...] | None = setting(
        "compressed models, by their paths, whose descriptors are coded beside those of the base "
        "models; those of `rd` unless told. Each must have the study's first seed",
        None,
        distinct=True,
        items=Value(form='a cell of the study by its path, "rd/0.1"'),
    )
