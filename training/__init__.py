"""Stage data, train a model, deploy it and ask it."""
