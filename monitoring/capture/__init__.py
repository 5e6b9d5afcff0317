"""Captured data: read, counted against what reached the endpoint, and exported."""
