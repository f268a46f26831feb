"""Tests of the way from a model to files."""
