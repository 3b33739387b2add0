#!/bin/bash
# ROS 2's environment around whatever is run.
set -e
source /opt/ros/humble/setup.bash
exec "$@"
