"""Requests to SageMaker, and what they cost; the deployed stacks that they need."""
