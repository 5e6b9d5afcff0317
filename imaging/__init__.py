"""Pictures from foreign bytes, with bounded work: the same for training and for the workflow; needs Pillow alone."""
