"""PocketVLAD: place recognition networks, compressed and measured.

The package root imports nothing, so that a job depends only on the modules that it uses.
"""
