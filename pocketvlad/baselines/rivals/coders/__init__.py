"""The coders, a module each, found by its file name.

A coder has `encode(layers, roles, **settings) -> bytes`, `decode(data) -> tensors`, and
`rivals(section, made) -> list[Rival]`: what the config's section `rivals` asks of it, given what
the study makes. One that is fitted to photographs also has
`fit(calibration, **settings) -> (layers, roles)`. Its `encode` then has no settings, and takes
arrays as well, which are not compressed.

A coder runs in a process of its own, in whichever environment it needs; so these modules import
what only some environments have where they use it.
"""
