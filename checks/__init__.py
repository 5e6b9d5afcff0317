"""What only AWS itself can check: the account, the state machines' definitions, and the stacks as deployed."""
