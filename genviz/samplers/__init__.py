"""Kernels that leave a distribution invariant, one file each."""
