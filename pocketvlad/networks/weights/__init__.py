"""Initial weights: which there are (`sources`), and a reader for each form of file."""
