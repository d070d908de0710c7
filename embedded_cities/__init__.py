"""Two small embedded cities: a software renderer that writes datasets in the official layouts."""
