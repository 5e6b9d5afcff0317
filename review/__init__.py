"""A person decides: the review queue, the labels that people write, and ways to look at the images."""
