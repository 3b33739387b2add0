"""A ROS 2 robot, spoken to by `rclpy` as a node among its own: ROS 2 Humble and later.

The only file that imports rclpy, and only once a robot is spoken to. Tested against a small
made-up rclpy; with a true one the contract tests run where there is one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import threading
import time
from typing import Any

import numpy as np

from episodes.ros_pictures import picture_of
from hardware.profile import Profile
from hardware.safety import ZERO, Velocity
from hardware.transport import Frame, LinkLostError

COMPRESSED = "compressed"  # how the topic's name ends
ASKED_EVERY = 10  # sends: whether anybody listens
ASK_S = 1 / 30  # between two questions to an image service
ANSWER_S = 1.0  # then the question is asked again
WAKE_S = 0.05
NAMES = {True: "mobile_vla_driver", False: "mobile_vla_watchdog"}  # of the nodes, by who looks

logger = logging.getLogger(__name__)


class RosTransport:
    """The address is ROS arguments: `-r FROM:=TO`, `-p PARAMETER:=VALUE`, `--params-file FILE`.

    Parameters, as the profile has them: image, velocity, emergency, odometry, image_service (names)
    and stamped. The domain is ROS_DOMAIN_ID, or the profile's.
    """

    source = "real"

    def __init__(self, address: str, profile: Profile, looks: bool) -> None:
        """Become a node. That nobody is there shows later: no pictures come.

        Raises:
            ModuleNotFoundError: where there is no rclpy.
            ValueError: for arguments that ROS does not understand.
        """
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self._profile, self._context = profile, Context()
        domain = int(os.environ.get("ROS_DOMAIN_ID") or profile.ros.domain)
        words = ["--ros-args", *shlex.split(address)] if address else None
        try:
            rclpy.init(args=words, context=self._context, domain_id=domain)
            self._node = rclpy.create_node(NAMES[looks], context=self._context)
        except RuntimeError as error:
            raise ValueError(f"ROS does not begin with {address!r}: {error}.") from error
        self.emergency = ""
        self._frame: Frame | None = None
        self._velocity: np.ndarray | None = None
        self._number, self._trouble, self._sent, self._was_heard = 0, "", 0, False
        self._open, self._client, self._lost = True, None, ""
        self._asked: Any = None
        self._asked_s = 0.0
        self._speak()
        if looks:
            self._look()
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def frame(self) -> Frame | None:
        """The latest picture."""
        return self._frame

    def velocity(self) -> np.ndarray | None:
        """What odometry said last, where a topic for it is named."""
        return self._velocity

    def send(self, velocity: Velocity) -> None:
        """Publish a velocity, in the units of the profile's `wire`."""
        try:
            self._wheels.publish(self._message(self._profile.on_wire(velocity)))
            if self._lost:
                raise LinkLostError(self._lost)
            if self._sent % ASKED_EVERY == 0:
                heard = self._wheels.get_subscription_count() > 0
                if self._was_heard and not heard:
                    raise LinkLostError(f"Nobody listens on {self._wheels.topic_name} any more.")
                self._was_heard = heard
        except RuntimeError as error:  # ROS was shut down
            raise LinkLostError(f"ROS is gone: {error}.") from error
        self._sent += 1

    def stop(self) -> None:
        """Publish zero."""
        self._sent = 1  # whether anybody listens is no question now
        with contextlib.suppress(LinkLostError):
            self.send(ZERO)

    def close(self) -> None:
        """Stop, and leave."""
        if self._open:
            self.stop()
            self._open = False
            self._thread.join()
            self._node.destroy_node()
            self._context.try_shutdown()

    def _parameter(self, name: str) -> Any:
        return self._node.declare_parameter(name, getattr(self._profile.ros, name)).value

    def _speak(self) -> None:
        """Reliable, depth 1: an older velocity is worth nothing."""
        from geometry_msgs.msg import Twist, TwistStamped
        from rclpy.qos import QoSProfile

        self._stamped = bool(self._parameter("stamped"))
        self._kind = TwistStamped if self._stamped else Twist
        self._wheels = self._node.create_publisher(
            self._kind, self._parameter("velocity"), QoSProfile(depth=1))

    def _look(self) -> None:
        """Pictures as sensor data, latest only; the emergency topic; odometry if there is any."""
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import CompressedImage, Image
        from std_msgs.msg import Bool

        latest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        topic, service = self._parameter("image"), self._parameter("image_service")
        if service:
            from camera_interfaces.srv import GetImage

            self._client, self._request = self._node.create_client(GetImage, service), GetImage
            self._node.create_timer(ASK_S, self._ask)
        else:
            kind = CompressedImage if topic.endswith(COMPRESSED) else Image
            self._node.create_subscription(kind, topic, self._saw, latest)
        self._node.create_subscription(
            Bool, self._parameter("emergency"), self._alarmed, QoSProfile(depth=1))
        if odometry := self._parameter("odometry"):
            from nav_msgs.msg import Odometry

            self._node.create_subscription(Odometry, odometry, self._measured, latest)

    def _message(self, said: Velocity) -> Any:
        message = self._kind()
        twist = message.twist if self._stamped else message
        twist.linear.x, twist.linear.y, twist.angular.z = map(float, said)
        if self._stamped:
            message.header.stamp = self._node.get_clock().now().to_msg()
            message.header.frame_id = self._profile.ros.frame
        return message

    def _saw(self, message: Any) -> None:
        """Keep the latest picture; one that cannot be read is said once and left out."""
        try:
            rgb = picture_of(message)
        except ValueError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                logger.warning("camera: %s", error)
            return
        self._number += 1
        self._frame = Frame(self._number, time.monotonic(), rgb)

    def _ask(self) -> None:
        """Ask the image service for a picture, one question at a time."""
        assert self._client is not None
        now_s = time.monotonic()
        if self._asked is not None and self._asked.done():
            if self._asked.exception() is None:
                self._saw(self._asked.result().image)
            self._asked = None
        elif self._asked is not None and now_s - self._asked_s > ANSWER_S:  # it may have died
            self._client.remove_pending_request(self._asked)
            self._asked = None
        if self._asked is None and self._client.service_is_ready():
            self._asked, self._asked_s = self._client.call_async(self._request.Request()), now_s

    def _alarmed(self, message: Any) -> None:
        self.emergency = "topic" if message.data else ""

    def _measured(self, message: Any) -> None:
        twist = message.twist.twist
        self._velocity = np.array((twist.linear.x, twist.linear.y, twist.angular.z), np.float32)

    def _spin(self) -> None:
        """Listen until it is closed. Where that ends before, emergency stops go unheard, too."""
        try:
            while self._open and self._context.ok():
                self._executor.spin_once(timeout_sec=WAKE_S)
        finally:
            if self._open:
                self._lost = ("The node does not listen any more: ROS was shut down, or the fault "
                              "that stands above ended its thread.")
