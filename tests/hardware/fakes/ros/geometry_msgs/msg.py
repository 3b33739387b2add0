from types import SimpleNamespace


class Twist:
    def __init__(self):
        self.linear = SimpleNamespace(x=0.0, y=0.0, z=0.0)
        self.angular = SimpleNamespace(x=0.0, y=0.0, z=0.0)


class TwistStamped:
    def __init__(self):
        self.header, self.twist = SimpleNamespace(stamp=None, frame_id=""), Twist()


def as_numbers(message):
    twist = getattr(message, "twist", message)
    if twist is not message:
        assert message.header.stamp is not None
        assert message.header.frame_id == "base_link"
    numbers = (twist.linear.x, twist.linear.y, twist.angular.z)
    assert all(type(number) is float for number in numbers)
    return numbers
