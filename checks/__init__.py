"""What only AWS itself can judge: the state of an account, the state machines' definitions, the stacks as deployed."""
