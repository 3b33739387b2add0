"""A run in other programs' formats, one file each; `eval.export` is their door."""
