"""Poolings, a file each: how the local features of an image become one vector."""
