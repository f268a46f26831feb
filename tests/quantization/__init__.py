"""Tests of the quantization package."""
