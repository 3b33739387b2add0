"""What a page may order; everything else is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hardware.web.desk import Desk
from hardware.web.view import View
from scenarios import load
from scenarios.schema import DISTANCES, PATTERNS

MAY_WAIT = ("judge", "mode")  # for the disk, for the driver; all others are done at once, in order
MOST_WORDS = 2000  # characters of an instruction
Order = dict[str, Any]


def obey(desk: Desk, view: View, who: int, order: Order) -> None:
    """Do what page `who` orders; what must not be is said on all pages."""
    do = ORDERS.get(str(order.get("do")))
    if do is not None:
        try:
            do(desk, view, who, order)
        except ValueError as error:
            desk.said = str(error)


def _want(desk: Desk, view: View, who: int, order: Order) -> None:
    """Any of scenario, pattern, distance, instruction, record."""
    changes: dict[str, Any] = {}
    for name, known in (("pattern", ("", *PATTERNS)), ("distance", ("", *DISTANCES))):
        if name in order:
            if order[name] not in known:
                raise ValueError(f"{name} must be one of {', '.join(known[1:])}, got "
                                 f"{order[name]!r:.40}.")
            changes[name] = order[name]
    if isinstance(order.get("record"), bool):
        changes["record"] = order["record"]
    if order.get("scenario") in view.scenarios:
        changes["scenario"] = order["scenario"]
        changes["instruction"] = load(order["scenario"]).instructions.english
    words = order.get("instruction")
    if isinstance(words, str) and words.strip():
        changes["instruction"] = words.strip()[:MOST_WORDS]
    desk.want(**changes)


def _judge(desk: Desk, view: View, who: int, order: Order) -> None:
    view.journal.judge(str(order.get("episode")), str(order.get("verdict")))
    desk.changed()


def _key(desk: Desk, view: View, who: int, order: Order) -> None:
    desk.steer(who, str(order.get("key")))


def _throttle(desk: Desk, view: View, who: int, order: Order) -> None:
    desk.keys.change_throttle(more=order.get("more") is True)


ORDERS: dict[str, Callable[[Desk, View, int, Order], None]] = {
    "want": _want,
    "judge": _judge,
    "key": _key,
    "throttle": _throttle,
    "arm": lambda desk, view, who, order: desk.arm(who),
    "stop": lambda desk, view, who, order: desk.halt("Stopped by the operator."),
    "emergency": lambda desk, view, who, order: desk.emergency(),
    "release": lambda desk, view, who, order: desk.release(),
    "mode": lambda desk, view, who, order: desk.set_mode(str(order.get("mode"))),
    "layout": lambda desk, view, who, order: desk.want(layout=desk.wish.layout + 1),
}
