"""Our mobile presets beside MobileSAM, an encoder of EdgeSAM's shape and SAM's grid: one run, one thread, .pte."""
