"""Projections, a file each: how a pooled vector becomes a descriptor."""
