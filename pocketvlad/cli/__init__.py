"""The command `pocketvlad`, a module a verb.

Each verb has `add_arguments(parser)` and `run(arguments)`. Both import what is slow to import
inside `run`, so that `--help` and the light verbs answer at once.
"""
