"""Drift: a baseline, a window of captured data, and the verdict over both."""
