"""The verbs of the command `pocketvlad`, one a module.

Each has `add_arguments(parser)` and `run(arguments)`; both import what is slow to import inside
`run`, so that `--help` and the light verbs answer at once.
"""
