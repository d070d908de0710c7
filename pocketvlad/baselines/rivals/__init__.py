"""Other ways to make a model file small, measured beside ours.

A coder is a module with `encode(layers, roles, **settings) -> bytes` and `decode(data) -> tensors`.
It runs in a process of its own (`__main__`), in whichever environment it needs. So these modules
import what only some environments have where they use it.
"""
