"""Tests of the bundle package."""
