"""A small made-up rclpy with a robot inside: what is published becomes lines of $FAKE_ROS/said,
pictures come by themselves, $FAKE_ROS/alarm says what the emergency topic says.

It knows of ROS what `hardware.ros` uses of it, as Humble has it.
"""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

from geometry_msgs.msg import as_numbers
from sensor_msgs.msg import shown

from rclpy.context import Context  # noqa: I001

FOLDER = Path(os.environ["FAKE_ROS"])


def init(*, args=None, context=None, domain_id=None):
    words = list(args or [])
    if any(":=" not in value for value in words[2::2]):
        raise RuntimeError(f"Couldn't parse ROS args {words}")
    context.begin(words, domain_id)


def create_node(name, *, context):
    assert isinstance(context, Context)
    return Node(name, context)


class Node:
    def __init__(self, name, context):
        self.name, self.context, self.subscriptions, self.timers = name, context, [], []
        self._said = (FOLDER / "said").open("a", buffering=1)
        self._alarm = None
        self.log("node", context.domain)

    def log(self, *words):
        print(json.dumps([self.name, *words]), file=self._said)

    def declare_parameter(self, name, default):
        given = self.context.parameters.get(name)
        return SimpleNamespace(value=default if given is None else type(default)(given))

    def create_publisher(self, kind, topic, qos):
        topic = self.context.remapped(topic)
        self.log("publisher", kind.__name__, topic, qos.reliability, qos.depth)

        def publish(message):
            if not self.context.ok():
                raise RuntimeError("publisher's context is invalid")
            assert isinstance(message, kind)
            self.log("velocity", *as_numbers(message))

        return SimpleNamespace(publish=publish, topic_name=topic,
                               get_subscription_count=lambda: not (FOLDER / "deaf").exists())

    def create_subscription(self, kind, topic, callback, qos):
        topic = self.context.remapped(topic)
        self.log("subscription", kind.__name__, topic, qos.reliability, qos.depth)
        self.subscriptions.append((kind.__name__, callback))

    def create_client(self, kind, service):
        self.log("client", service)
        answer = SimpleNamespace(image=shown("Image"))
        future = SimpleNamespace(done=lambda: True, exception=lambda: None, result=lambda: answer)

        def call_async(request):
            answer.image = shown("Image")
            return future

        return SimpleNamespace(service_is_ready=lambda: True, call_async=call_async)

    def create_timer(self, period_s, callback):
        self.timers.append(callback)

    def get_clock(self):
        return SimpleNamespace(now=lambda: SimpleNamespace(to_msg=time.time))

    def destroy_node(self):
        self.log("destroyed")

    def spin(self):
        for callback in self.timers:
            callback()
        alarm = (FOLDER / "alarm").read_text() == "true"
        for kind, callback in self.subscriptions:
            if kind in ("Image", "CompressedImage"):
                callback(shown(kind))
            elif kind == "Bool" and alarm != self._alarm:
                callback(SimpleNamespace(data=alarm))
            elif kind == "Odometry":
                twist = SimpleNamespace(linear=SimpleNamespace(x=0.25, y=-0.5),
                                        angular=SimpleNamespace(z=0.125))
                callback(SimpleNamespace(twist=SimpleNamespace(twist=twist)))
        self._alarm = alarm
