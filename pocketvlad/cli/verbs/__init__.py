"""The verbs of the command, a module each, found by its file name: shells over `pocketvlad.api`.

A verb has `add_arguments(parser)`, `OUTPUTS` (which of its arguments are files that it writes, each
with the suffixes of these, first that of a file without one; all other paths are read) and
`run(arguments)`. Its docstring is its help, the first line its summary. What is slow to import is
imported inside `run`, so that help and wrong usage are answered at once.
"""
