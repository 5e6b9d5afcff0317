"""Exercise the deployed workflow, read what it captured, and say whether the model is to be trusted."""
