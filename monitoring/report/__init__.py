"""The report: figures, findings and charts on one page."""
