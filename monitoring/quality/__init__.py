"""How good the model is: evaluation on test images, calibration, thresholds."""
