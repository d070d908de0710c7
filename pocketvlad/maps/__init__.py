"""Descriptors as bytes: codes, map files, search in them."""
