"""Losses, a file each: what a network is fine-tuned for."""
