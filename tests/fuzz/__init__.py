"""Readers of files that strangers make, tried with inputs that a fuzzer found (docs/hostile.md).

`readers` has a module a reader, `trial` tries one input, `run` searches for inputs with atheris,
`minimise` keeps the few that are replayed in the tests.
"""
