"""What it costs to classify images: what an image uses, and the bill of a month on each way to run the workflow."""
