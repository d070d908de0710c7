"""A network's tensors as bytes, and back: the file `.pvlad`, its entropy coder, `.safetensors`.

No torch. docs/format.md gives the layout; a `FormatError` is all that a bad file causes.
"""
