"""A ROS 2 node among the robot's own, over a small made-up rclpy."""

import importlib.util

import pytest

from hardware.pilot import Pilot
from hardware.robot_env import wait_for_arming
from hardware.transport import LinkLostError, Place
from tests.hardware.robots import RosRobot, robot, until


@pytest.fixture
def here(tmp_path):
    with robot("ros", tmp_path) as found:
        yield found


def test_a_velocity_is_published_reliably_and_pictures_are_the_latest_sensor_data(here):
    transport = here.place.open()
    assert until(transport.frame).rgb[0, 0, 2] in range(190, 210)
    transport.send((0.25, -0.5, 0.125))
    transport.close()
    assert here.said("publisher") == [["Twist", "/cmd_vel", "reliable", 1]]
    assert here.said("subscription") == [
        ["CompressedImage", "/camera/image/compressed", "best effort", 1],
        ["Bool", "/emergency_stop", "reliable", 1]]
    assert here.said("velocity") == [[0.25, -0.5, 0.125], [0.0, 0.0, 0.0]]
    assert here.said("destroyed") == [[]]


def test_names_are_remapped_and_parameters_set_as_for_any_node(tmp_path):
    here = RosRobot(tmp_path, "-r /cmd_vel:=/robot/action -p stamped:=true "
                              "-p image:=/camera/image -p odometry:=/odom")
    transport = here.place.open()
    assert until(transport.frame).rgb[0, 0].tolist()[1:] == [100, 200]
    assert transport.velocity().tolist() == [0.25, -0.5, 0.125]
    transport.send((0.5, 0.0, 0.0))
    transport.close()
    assert here.said("publisher") == [["TwistStamped", "/robot/action", "reliable", 1]]
    assert ["Image", "/camera/image", "best effort", 1] in here.said("subscription")
    assert here.said("velocity")[0] == [0.5, 0.0, 0.0]
    here.close()


def test_the_laboratorys_camera_is_asked_by_its_service(tmp_path):
    here = RosRobot(tmp_path, profile="serbot_lab")
    transport = here.place.open()
    first = until(transport.frame)
    assert first.rgb[0, 0].tolist()[1:] == [100, 200]
    until(lambda: transport.frame().number > first.number)
    transport.send((0.5, 0.0, 0.0))
    transport.close()
    assert here.said("client") == [["/get_image_service"]]
    assert here.said("velocity")[0] == [1.15, 0.0, 0.0]
    here.close()


def test_the_watchdog_is_a_node_of_its_own_that_sees_nothing(here):
    blind = here.place.open(looks=False)
    blind.stop()
    blind.close()
    assert here.said("subscription", "mobile_vla_watchdog") == []
    assert here.said("velocity", "mobile_vla_watchdog") == [[0.0, 0.0, 0.0]] * 2


def test_the_emergency_topic_stops_the_robot(here):
    pilot = Pilot(here.place)
    pilot.wait_live(20.0)
    wait_for_arming(pilot, 20.0)
    (here.folder / "alarm").write_text("true")
    until(lambda: pilot.state().why == "e-stop: topic")
    pilot.close()


def test_wheels_that_nobody_listens_for_any_more_are_a_lost_link(here):
    transport = here.place.open()
    transport.send((0.0, 0.0, 0.0))
    (here.folder / "deaf").touch()
    with pytest.raises(LinkLostError, match="Nobody listens on /cmd_vel"):
        until(lambda: transport.send((0.0, 0.0, 0.0)))
    transport.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_node_that_cannot_listen_any_more_is_a_lost_link(here, monkeypatch):
    transport = here.place.open()
    until(transport.frame)
    monkeypatch.delattr("hardware.ros.picture_of")  # any fault does
    with pytest.raises(LinkLostError, match="does not listen"):
        until(lambda: transport.send((0.1, 0.0, 0.0)))
    transport.stop()
    assert here.said("velocity")[-1] == [0.0, 0.0, 0.0]
    transport.close()


def test_arguments_that_ros_does_not_understand_are_said(tmp_path):
    here = RosRobot(tmp_path, "-r nonsense")
    with pytest.raises(ValueError, match="ROS does not begin with"):
        here.place.open()
    here.close()


@pytest.mark.skipif(importlib.util.find_spec("rclpy") is not None, reason="there is one")
def test_without_ros_one_sentence_says_what_speaks_to_the_same_topics():
    with pytest.raises(ValueError, match="--transport dds speaks to the same topics"):
        Place("ros", "").open()
