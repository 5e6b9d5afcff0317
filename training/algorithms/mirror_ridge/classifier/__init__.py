"""Image classification by kernel ridge regression on features of choice, on any CPU."""
