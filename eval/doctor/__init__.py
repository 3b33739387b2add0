"""Examines a machine, and the robot on it, before anything drives: `python -m eval.doctor`."""
