"""`ros2 launch deploy/robot.launch.py policy:=hybrid`: the operator's page as a node of ROS 2.

A launch has no keyboard, so the robot is armed on the page. Remapping and parameters go into
`ros_arguments`, as for any node.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = {  # name: default, what it is
    "policy": ("hybrid", "name, module:Class or checkpoint folder"),
    "scenario": ("2box_hori_left", "name or TOML file"),
    "profile": ("serbot", "name or TOML file of hardware/robots"),
    "ros_arguments": ("", "-r /cmd_vel:=/robot/action -p stamped:=true"),
    "host": ("127.0.0.1", "where the page listens; beyond this machine set MOBILE_VLA_TOKEN"),
    "record": ("drives", "folder for episodes"),
    "doctor": ("doctor.json", "what eval.doctor --robot wrote"),
}
OPTIONS = {"ros_arguments": "--address"}
LEAVING_S = "180"  # the robot stands at once; a long recording takes so long to close


def generate_launch_description() -> LaunchDescription:
    """One process; ending the launch sends it SIGINT, which stops the robot and keeps the drive."""
    options = [part for name in ARGUMENTS
               for part in (OPTIONS.get(name, f"--{name}"), LaunchConfiguration(name))]
    command = ["python3", "-m", "hardware.run", "--transport", "ros", "--web", *options]
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=words)
          for name, (default, words) in ARGUMENTS.items()),
        ExecuteProcess(cmd=command, cwd=str(ROOT), output="screen", sigterm_timeout=LEAVING_S),
    ])
