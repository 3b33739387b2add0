"""A robot of another house: it knows DDS, the topics' names and their types, and nothing of ours.

Prints every velocity that it hears, a line each; the first line is `ready`. The line `stop` on its
standard input makes it demand an emergency stop, any other line takes that back.
"""

import sys
import threading
import time
from dataclasses import dataclass

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import float64, int32, sequence, uint8, uint32
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic


@dataclass
class Vec(IdlStruct, typename="geometry_msgs::msg::dds_::Vector3_"):
    x: float64
    y: float64
    z: float64


@dataclass
class Vel(IdlStruct, typename="geometry_msgs::msg::dds_::Twist_"):
    linear: Vec
    angular: Vec


@dataclass
class Stamp(IdlStruct, typename="builtin_interfaces::msg::dds_::Time_"):
    sec: int32
    nanosec: uint32


@dataclass
class Head(IdlStruct, typename="std_msgs::msg::dds_::Header_"):
    stamp: Stamp
    frame_id: str


@dataclass
class VelStamped(IdlStruct, typename="geometry_msgs::msg::dds_::TwistStamped_"):
    header: Head
    twist: Vel


@dataclass
class Yes(IdlStruct, typename="std_msgs::msg::dds_::Bool_"):
    data: bool


@dataclass
class Picture(IdlStruct, typename="sensor_msgs::msg::dds_::Image_"):
    header: Head
    height: uint32
    width: uint32
    encoding: str
    is_bigendian: uint8
    step: uint32
    data: sequence[uint8]


@dataclass
class Jpeg(IdlStruct, typename="sensor_msgs::msg::dds_::CompressedImage_"):
    header: Head
    format: str
    data: sequence[uint8]


HEIGHT, WIDTH = 24, 33  # an odd width: rows are padded below


def picture(kind, count):
    head = Head(Stamp(1, count), "camera_frame")
    if kind == "jpeg":
        with open(sys.argv[4], "rb") as file:
            return Jpeg(head, "jpeg", list(file.read()))
    row = [200, 100, count % 50] * WIDTH + [0] * 5  # blue, green, red
    return Picture(head, HEIGHT, WIDTH, kind, 0, len(row), row * HEIGHT)


def main(domain, kind, stamped):
    here = DomainParticipant(domain)
    seen = "rt/camera/image" + ("/compressed" if kind == "jpeg" else "_raw")
    camera = DataWriter(here, Topic(here, seen, Jpeg if kind == "jpeg" else Picture), qos=Qos(
        Policy.Reliability.BestEffort, Policy.History.KeepLast(1)))
    heard = DataReader(here, Topic(here, "rt/cmd_vel", VelStamped if stamped else Vel), qos=Qos(
        Policy.Reliability.Reliable(0), Policy.History.KeepLast(1)))
    alarm = DataWriter(here, Topic(here, "rt/emergency_stop", Yes), qos=Qos(
        Policy.Reliability.Reliable(0), Policy.History.KeepLast(1)))
    threading.Thread(target=lambda: [alarm.write(Yes(line == "stop\n")) for line in sys.stdin],
                     daemon=True).start()
    print("ready", flush=True)
    count = 0
    while True:
        count += 1
        camera.write(picture(kind, count))
        for message in heard.take(50):
            said = message.twist if stamped else message
            print(said.linear.x, said.linear.y, said.angular.z, flush=True)
        time.sleep(0.03)


main(int(sys.argv[1]), sys.argv[2], sys.argv[3] == "stamped")
