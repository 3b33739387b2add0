from types import SimpleNamespace

ReliabilityPolicy = SimpleNamespace(BEST_EFFORT="best effort", RELIABLE="reliable")


class QoSProfile:
    """Keeps the last `depth`, reliable where nothing else is said, as rclpy's."""

    def __init__(self, *, depth, reliability=ReliabilityPolicy.RELIABLE):
        self.depth, self.reliability = depth, reliability
