"""A point that drives along x, behind the same door as `python -m envs.serve`, but started at once.

Says its address, and its x in metres whenever a line comes in. With `hold` it never stops by
itself.
"""

import sys
import threading

import numpy as np

from envs.realtime import ticks
from envs.serve_clients import Clients

TICK_S = 0.05


def main():
    clients, x_m, hold = Clients(("127.0.0.1", 0)), [0.0], "hold" in sys.argv
    print(clients.address, flush=True)

    def answer():
        for _ in sys.stdin:
            print(x_m[0], flush=True)
        clients.close()

    threading.Thread(target=answer, daemon=True).start()
    rgb = np.full((20, 30, 3), 90, np.uint8)
    for _ in ticks(TICK_S):
        velocity, silent_s = clients.hear()
        if silent_s > 0.25 and not hold:
            velocity = (0.0, 0.0, 0.0)
        x_m[0] += velocity[0] * TICK_S
        clients.show({"rgb": rgb, "velocity": velocity})


main()
