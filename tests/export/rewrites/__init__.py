"""Tests of the rewrites, one file each."""
