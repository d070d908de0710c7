"""A few lines of Python: load, describe, index, search, evaluate, compress, look into files.

The package `pocketvlad` hands these out, and the command is a shell over them. It imports nothing
here, so that what needs no torch takes none.
"""
