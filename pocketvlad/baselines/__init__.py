"""What our figures stand beside: a colour histogram, and other coders (`rivals`)."""
