"""Who watches over who drives: pure decisions; `hardware.watchdog` is the process around them."""

from __future__ import annotations

SILENT_S = 0.2  # without a sign of who drives for so long, the watchdog stops the wheels
SURE_TICKS = 5  # in a row, before who drives counts as gone: a pause of the whole machine, in which
#                 the watchdog did not run either, looks like silence for one or two


class Watch:
    """Notices that whoever drives has fallen silent: then the wheels must be stopped for it.

    They are told zero from the first silent tick on. Only silence that lasts ends who drives.
    """

    def __init__(self) -> None:
        """Nothing is expected before the first sign."""
        self._heard: tuple[int, float] | None = None
        self._silent_ticks = 0
        self.why = ""  # why who drives must not come back; it never becomes empty again

    def heard(self, number: int, now_s: float) -> None:
        """A sign of life of who drives; the same number again is none."""
        if self._heard is None or number > self._heard[0]:
            self._heard = (number, now_s)

    def lost(self) -> None:
        """Whoever drives is gone."""
        self.why = self.why or "gone"

    def tick(self, now_s: float) -> bool:
        """Whether the wheels must be told zero now."""
        is_silent = (self._heard is not None
                     and not 0.0 <= now_s - self._heard[1] <= SILENT_S)
        self._silent_ticks = self._silent_ticks + 1 if is_silent else 0
        if self._silent_ticks >= SURE_TICKS:
            self.why = self.why or "silent"
        return is_silent or bool(self.why)
