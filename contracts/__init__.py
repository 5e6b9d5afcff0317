"""What several folders agree on, each said once; imports the standard library and NumPy alone."""
