"""From images to descriptors, and to the scores of a network."""
