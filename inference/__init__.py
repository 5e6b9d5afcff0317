"""Images through the state machine: test cases, runs, batches, their ledger and what they cost."""
