"""From images to descriptors, rankings and scores."""
