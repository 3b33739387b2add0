"""What stands between a decision and the wheels. Standard library only; zero is the only default.

Nothing here reads a clock: every call is told the time, in seconds of the monotonic clock. A
velocity is (vx m/s, vy m/s, wz rad/s) in the body frame. `Gate` decides what the wheels are told
in every tick, `checks` refuses what no command may be, `Watch` notices that nobody decides any
more.
"""

from hardware.safety.checks import (
    LATE_S,
    OLD_PICTURE,
    SOURCES,
    STOP_S,
    TICK_S,
    ZERO,
    Command,
    Limits,
    RefusedError,
    Velocity,
)
from hardware.safety.gate import FRAME_AGE_S, LIFE_S, LIVE_FRAMES, MODES, RELEASE_S, REPEATS, Gate
from hardware.safety.watch import SILENT_S, SURE_TICKS, Watch

__all__ = ["FRAME_AGE_S", "LATE_S", "LIFE_S", "LIVE_FRAMES", "MODES", "OLD_PICTURE", "RELEASE_S",
           "REPEATS", "SILENT_S", "SOURCES", "STOP_S", "SURE_TICKS", "TICK_S", "ZERO", "Command",
           "Gate", "Limits", "RefusedError", "Velocity", "Watch"]
