"""The study's figures. Each takes tables and gives a matplotlib figure or a picture."""
