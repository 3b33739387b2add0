"""Where, for real: the robot as a world like the simulator's, and what keeps it from harm."""
