"""How a stack is, on one screen: what `workflow status` shows."""
