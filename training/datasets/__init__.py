"""Where images come from: CIFAR-100, folders, the drawn sample."""
