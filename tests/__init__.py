"""Tests, laid out as the rooms that they test."""
