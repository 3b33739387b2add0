import time


class SingleThreadedExecutor:
    def __init__(self, *, context):
        self._nodes = []

    def add_node(self, node):
        self._nodes.append(node)

    def spin_once(self, timeout_sec):
        time.sleep(0.03)
        for node in self._nodes:
            node.spin()
