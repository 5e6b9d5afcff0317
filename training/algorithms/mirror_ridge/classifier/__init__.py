"""Image classification by wavelet scattering and kernel ridge regression, on any CPU."""
