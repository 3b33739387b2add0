"""Trials of what is promised about episode files: killed writers, failing disks, hostile files."""
