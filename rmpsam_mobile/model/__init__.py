"""The network in plain torch, with the official weight names. Reads no files, knows no engine."""
