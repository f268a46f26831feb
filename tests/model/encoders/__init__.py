"""Tests of the image encoders."""
