"""A vendor's library that drives nothing: every call becomes a line of the file $POP_CALLS."""

import os


class Driving:
    def __init__(self):
        self._say("begin")

    def move(self, angle, throttle=None):
        self._say("move", angle, throttle)

    def spinLeft(self, throttle=None):
        self._say("left", throttle)

    def spinRight(self, throttle=None):
        self._say("right", throttle)

    def stop(self):
        self._say("stop")

    def _say(self, *words):
        with open(os.environ["POP_CALLS"], "a") as file:
            print(*words, file=file)
