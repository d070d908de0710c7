"""The quantizer `rd`: each weight is rounded as coarsely as the descriptors tolerate.

docs/compression.md says how the parts work together.
"""
