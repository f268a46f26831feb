"""Validation: does a file answer what the eager model answers?"""

from rmpsam_mobile.validate.parity import ParityReport, TensorParity, check_parity, parity_inputs, steady_probe
from rmpsam_mobile.validate.selftest import SelfTest, self_test

__all__ = ["ParityReport", "SelfTest", "TensorParity", "check_parity", "parity_inputs", "self_test", "steady_probe"]
