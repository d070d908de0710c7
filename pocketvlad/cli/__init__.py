"""The command `pocketvlad`, a module a verb, each a shell over `pocketvlad.api`.

A verb has `add_arguments(parser)`, `OUTPUTS` (which of its arguments are files that it writes, each
with the suffixes of what it writes; all other paths are read) and `run(arguments)`. What is slow to
import is imported inside `run`, so that help and wrong usage are answered at once.
"""
