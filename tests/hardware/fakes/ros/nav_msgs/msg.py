class Odometry:
    """Its twist is the robot's velocity."""
