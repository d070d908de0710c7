"""What the declared parts compute with, as torch modules."""
