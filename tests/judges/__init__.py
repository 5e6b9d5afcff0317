"""Scenarios of the state machines, which two interpreters of the states language must play alike."""
