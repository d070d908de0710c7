"""How Snakemake writes down the parameters of jobs, to see later whether they have changed."""

import sys

from snakemake.persistence import PersistenceBase


def spare_pandas() -> None:
    """Let pandas be imported only for parameters that are its tables.

    Snakemake 9 imports it for the first parameter, whatever that is: a sixth of the time that it
    takes to start. A table can only be there when pandas is imported already.
    """
    with_pandas = getattr(PersistenceBase, "_serialize_param_pandas", None)
    without = getattr(PersistenceBase, "_serialize_param_builtin", None)
    if with_pandas is None or without is None:
        return  # another version of Snakemake

    def serialised(self: PersistenceBase, value: object) -> object:
        return (with_pandas if "pandas" in sys.modules else without)(self, value)

    PersistenceBase._serialize_param_pandas = serialised
