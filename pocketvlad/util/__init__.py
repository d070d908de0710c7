"""What any package may use: files that are whole or not at all, progress, seeds, sizes.

It knows nothing of images or networks.
"""
