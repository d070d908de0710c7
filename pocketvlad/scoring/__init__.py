"""From descriptors to rankings, scores and their intervals. Free of torch."""
