"""What happened: the one loop, its records, and episodes as files."""
