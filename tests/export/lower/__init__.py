"""Tests of the engines, one file each."""
