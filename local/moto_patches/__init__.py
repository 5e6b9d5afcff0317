"""Patches for the pinned moto, one module per subject."""
