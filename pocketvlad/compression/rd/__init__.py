"""The quantizer `rd`: where each weight is rounded so far as the descriptors do not feel it.

docs/compression.md says how the parts work together.
"""
