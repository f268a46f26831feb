"""Tests of reading, recognising and storing weights."""
