"""The ROS 2 messages that a robot is spoken to with, as cyclonedds types; no ROS is needed.

Names are mangled as ROS 2 does: `sensor_msgs::msg::dds_::Image_` on the topic `rt/camera/image`.
Pictures are read from and written to the wire here: the general way takes 0.4 s for one of 720p.
Annotations are read by cyclonedds as they stand, so none is postponed.
"""

import struct
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import float64, int32, sequence, uint8, uint32

JPEG_QUALITY = 95
LITTLE = b"\x00\x01\x00\x00"  # plain CDR, little-endian


@dataclass
class Vector3(IdlStruct, typename="geometry_msgs::msg::dds_::Vector3_"):
    """x, y, z in m/s or rad/s."""

    x: float64
    y: float64
    z: float64


@dataclass
class Twist(IdlStruct, typename="geometry_msgs::msg::dds_::Twist_"):
    """A velocity in the robot's frame."""

    linear: Vector3
    angular: Vector3


@dataclass
class Time(IdlStruct, typename="builtin_interfaces::msg::dds_::Time_"):
    """Wall-clock time."""

    sec: int32
    nanosec: uint32


@dataclass
class Header(IdlStruct, typename="std_msgs::msg::dds_::Header_"):
    """When, and in which frame."""

    stamp: Time
    frame_id: str


@dataclass
class Bool(IdlStruct, typename="std_msgs::msg::dds_::Bool_"):
    """Yes or no."""

    data: bool


@dataclass
class TwistStamped(IdlStruct, typename="geometry_msgs::msg::dds_::TwistStamped_"):
    """A velocity with its time and frame."""

    header: Header
    twist: Twist


@dataclass
class Image(IdlStruct, typename="sensor_msgs::msg::dds_::Image_"):
    """A picture as it is."""

    header: Header
    height: uint32
    width: uint32
    encoding: str
    is_bigendian: uint8
    step: uint32
    data: sequence[uint8]

    @classmethod
    def deserialize(cls, data: bytes, has_header: bool = True,
                    use_version_2: bool | None = None) -> "Image":
        """From the wire; `data` of the result is a view."""
        wire = _Wire(data)
        return cls(wire.header(), wire.number("I"), wire.number("I"), wire.text(),
                   wire.number("B"), wire.number("I"), wire.bytes())

    def serialize(self, *_: Any, **__: Any) -> bytes:
        """To the wire."""
        wire = _Paper(self.header)
        wire.put("II", self.height, self.width)
        wire.text(self.encoding)
        wire.put("B", self.is_bigendian)
        wire.put("I", self.step)
        return wire.with_bytes(self.data)


@dataclass
class CompressedImage(IdlStruct, typename="sensor_msgs::msg::dds_::CompressedImage_"):
    """A picture as JPEG or PNG."""

    header: Header
    format: str
    data: sequence[uint8]

    @classmethod
    def deserialize(cls, data: bytes, has_header: bool = True,
                    use_version_2: bool | None = None) -> "CompressedImage":
        """From the wire; `data` of the result is a view."""
        wire = _Wire(data)
        return cls(wire.header(), wire.text(), wire.bytes())

    def serialize(self, *_: Any, **__: Any) -> bytes:
        """To the wire."""
        wire = _Paper(self.header)
        wire.text(self.format)
        return wire.with_bytes(self.data)


def twist_of(velocity: tuple[float, ...]) -> Twist:
    """(vx, vy, wz) as a message."""
    return Twist(Vector3(velocity[0], velocity[1], 0.0), Vector3(0.0, 0.0, velocity[2]))


def message_of(rgb: np.ndarray, packed: bool) -> Image | CompressedImage:
    """A picture [H, W, 3] uint8 RGB as a message, as JPEG or as it is."""
    import io

    from PIL import Image as Pillow

    now_ns = time.time_ns()
    header = Header(Time(now_ns // 10**9, now_ns % 10**9), "camera_frame")
    if packed:
        jpeg = io.BytesIO()
        Pillow.fromarray(rgb).save(jpeg, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return CompressedImage(header, "jpeg", jpeg.getvalue())
    height, width = rgb.shape[:2]
    return Image(header, height, width, "rgb8", 0, width * 3, rgb.tobytes())


class _Wire:
    """Plain CDR, read from its beginning: numbers stand at multiples of their size."""

    def __init__(self, message: bytes) -> None:
        self._order = "<" if message[1] & 1 else ">"
        self._rest, self._at = memoryview(message)[4:], 0

    def number(self, code: str) -> int:
        size = struct.calcsize(code)
        self._at += -self._at % size
        (value,) = struct.unpack_from(self._order + code, self._rest, self._at)
        self._at += size
        return value

    def bytes(self) -> memoryview:
        length = self.number("I")
        found = self._rest[self._at:self._at + length]
        self._at += length
        return found

    def text(self) -> str:
        return bytes(self.bytes()).rstrip(b"\x00").decode("utf-8", "replace")

    def header(self) -> Header:
        stamp = Time(self.number("i"), self.number("I"))
        return Header(stamp, self.text())


class _Paper:
    """Plain CDR, written from its beginning."""

    def __init__(self, header: Header) -> None:
        self._wire = bytearray()
        self.put("iI", header.stamp.sec, header.stamp.nanosec)
        self.text(header.frame_id)

    def put(self, codes: str, *values: int) -> None:
        for code, value in zip(codes, values):
            self._wire += bytes(-len(self._wire) % struct.calcsize(code))
            self._wire += struct.pack("<" + code, value)

    def text(self, words: str) -> None:
        said = words.encode() + b"\x00"
        self.put("I", len(said))
        self._wire += said

    def with_bytes(self, data: Any) -> bytes:
        self.put("I", len(data))
        return b"".join((LITTLE, self._wire, data, bytes(-(len(self._wire) + len(data)) % 4)))
