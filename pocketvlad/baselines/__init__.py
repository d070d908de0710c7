"""What our results are compared with: a colour histogram, and other coders (`rivals`)."""
