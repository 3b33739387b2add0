"""What was found about two sides, as tables, sentences and JSON."""

from __future__ import annotations

import math
from typing import Any

from envs.interface import RobotSpec
from eval.sim2real.contents import COMMANDS, PICTURES
from eval.sim2real.fit import Found as Number
from eval.sim2real.look import Found
from eval.sim2real.tracks import seen
from eval.table import Table, mean_cell

CALLED = {"wide": ("horizontal field of view, degrees", 1), "height_m": ("camera's height m", 3),
          "tilt_rad": ("camera's tilt rad, down", 3), "step_m": ("metres a decision", 3),
          "delay": ("delay, share of a decision", 2)}
CAUTION = (
    "The cup's size is taken as the scenario's: were it r times as large, heights, ways and speed "
    "would be r times as large too.",
    "How bright the camera is cannot be told from how bright lamp and surfaces are: the exposure "
    "is their product.",
    "Speed is metres a decision over the length of a decision; where files do not say how long a "
    "command was held, only the product is known. Acceleration, slip and drift are in the "
    "residuals.",
    "Roll and lens distortion are not fitted.",
)


def warnings(found: Found) -> list[str]:
    """What must be said loudly."""
    said = []
    if set(found.recorded.sources) == {"simulated"}:
        said.append("SIMULATED: these files say that they are simulated; nothing here is about a "
                    "real robot.")
    elif len(found.recorded.sources) > 1:
        said.append(f"MIXED: the files are {found.recorded.source}; the fit takes them together.")
    return said


def tables(found: Found, base: RobotSpec) -> dict[str, Table]:
    """All tables by title."""
    pictures, commands = (_statistics(found, names) for names in (PICTURES, COMMANDS))
    sides = f"{found.recorded.source} files against {found.simulated.source} ones"
    shown = {f"Pictures: {sides}": pictures, f"Commands: {sides}": commands}
    if found.errors:
        shown["One-step error: MAE in command units, linear x and y, bootstrap over episodes"] = (
            ["files", "source", "MAE", "episodes"],
            [[side, source, mean_cell(mean.as_json(), 3), str(mean.n)]
             for side, by_source in found.errors.items() for source, mean in by_source.items()])
    shown["Camera and drive"] = _fitted(found, base)
    return shown


def said(found: Found) -> list[str]:
    """The result in words."""
    pictures, all_pictures = seen(found.recorded.tracks)
    lines = [f"The cup was seen whole in {pictures} of {all_pictures} pictures."]
    if found.fit is None:
        lines.append(found.no_fit)
    else:
        miss = found.fit.residual_px
        lines.append(
            f"{found.fit.episodes} episodes with {found.fit.sightings} sightings explained up to "
            f"{miss['centre']:.2f} pixels across, {miss['top']:.2f} at the top and "
            f"{miss['base']:.2f} at the base (typical); {100 * found.fit.outliers:.0f} % miss by "
            f"more than three times that.")
        lost = [CALLED[name][0] for name, each in found.fit.numbers.items() if not each.told]
        if lost:
            lines.append(f"These episodes do not tell: {'; '.join(lost)}. The profile keeps the "
                         f"base robot's.")
        lines += [f"{CALLED[one][0]} and {CALLED[other][0]} stretch together (correlation "
                  f"{value:+.2f}): sideways driving would tell them apart."
                  for one, other, value in found.fit.tied]
    if found.exposure is None:
        lines.append("The exposure cannot be told: no picture has grey levels between dark and "
                     "bright.")
    return lines


def as_json(found: Found, base: RobotSpec) -> dict[str, Any]:
    """Everything, ready for JSON."""
    fit = found.fit
    return {
        "recorded": found.recorded.sources, "simulated": found.simulated.sources,
        "warnings": warnings(found), "said": said(found), "cannot_be_told": list(CAUTION),
        "statistics": {name: {"recorded": mine, "simulated": theirs, "spreads_apart": distance}
                       for name, (mine, theirs, distance) in found.apart.items()},
        "one_step_mae": {side: {source: mean.as_json() for source, mean in by_source.items()}
                         for side, by_source in found.errors.items()},
        "fit": None if fit is None else {
            "numbers": {name: {"value": each.value, "half_interval": each.half, "told": each.told}
                        for name, each in fit.numbers.items()},
            "episodes": fit.episodes, "sightings": fit.sightings, "residual_px": fit.residual_px,
            "outliers": fit.outliers, "delay_s": fit.numbers["delay"].value * base.decision_s,
            "tied": [list(each) for each in fit.tied]},
        "exposure": found.exposure and {"value": found.exposure[0], "spread": found.exposure[1]},
    }


def remarks(found: Found, base: RobotSpec) -> list[str]:
    """What stands above the profiles: where they are from, what is the base robot's."""
    lines = [f"Fitted by eval.suite sim2real to {found.recorded.source} episodes; base robot: "
             f"{base.name}.", *warnings(found)]
    if found.fit is None:
        return [*lines, f"Nothing was fitted: {found.no_fit}"]
    lost = [CALLED[name][0] for name, each in found.fit.numbers.items() if not each.told]
    delay = found.fit.numbers["delay"]
    if delay.told:
        lines.append(f"A command acts {delay.value * base.decision_s:.3f} s late, until then the "
                     f"one before: eval.run --latency {delay.value * base.decision_s:.2f} "
                     f"--hold last.")
    return [*lines, f"Not told, as in the base robot: {'; '.join(lost) or 'nothing'}."]


def _statistics(found: Found, names: dict[str, str]) -> Table:
    return ["", "recorded", "simulated", "spreads apart", "what"], [
        [name.replace("_", " "), f"{mine:.3g}", f"{theirs:.3g}",
         "-" if distance is None else f"{distance:+.1f}", names[name]]
        for name, (mine, theirs, distance) in found.apart.items() if name in names]


def _fitted(found: Found, base: RobotSpec) -> Table:
    camera = base.camera
    assumed = {"wide": math.tan(camera.horizontal_fov_rad / 2), "height_m": camera.height_m,
               "tilt_rad": camera.tilt_rad, "step_m": base.step_m, "delay": 0.0}
    rows = []
    for name, each in (found.fit.numbers if found.fit else {}).items():
        title, digits = CALLED[name]
        value, low, high = (_shown(name, number) for number in (
            each.value, each.value - each.half, each.value + each.half))
        rows.append([title, f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]",
                     f"{_shown(name, assumed[name]):.{digits}f}", _told(each)])
    if found.exposure is not None:
        value, spread = found.exposure
        rows.append(["exposure", f"{value:.2f} [{value - spread:.2f}, {value + spread:.2f}]",
                     "1.00", "yes, with lamp and surfaces in it"])
    return ["", "fitted", base.name, "told by these episodes"], rows


def _shown(name: str, value: float) -> float:
    return math.degrees(2 * math.atan(value)) if name == "wide" else value


def _told(each: Number) -> str:
    return "yes" if each.told else "no: the interval is too wide"
