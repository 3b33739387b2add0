"""What `eval.why` found, for a person: a table on the terminal, bars as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.ticker import MaxNLocator

from eval.causes import NOT_REPEATABLE, REPAIRS, UNKNOWN
from eval.failures import ABOUT
from eval.table import Table

STYLES = dict(zip((*REPAIRS, UNKNOWN, NOT_REPEATABLE), (  # colour, hatch
    ("#0072B2", ""), ("#56B4E9", "//"), ("#F0E442", ".."), ("#E69F00", "xx"), ("#009E73", "--"),
    ("#CC79A7", "++"), ("#606060", "oo"), ("#D9D9D9", "||"))))


def episodes_table(content: dict[str, Any]) -> Table:
    """One row a failed episode."""
    rows = [[row["id"], row["ended_by"], row["kind"], row["cause"],
             ", ".join(f"{name}: {how}" for name, how in row["tried"].items()),
             "never" if row["last_chance_s"] is None else f"{row['last_chance_s']:.1f}"]
            for row in content["episodes"]]
    return ["episode", "ended by", "how it failed", "cause", "with the repair",
            "expert could still win at s"], rows


def causes_table(content: dict[str, Any]) -> Table:
    """How often each cause was found, and what was repaired."""
    about = {name: said for name, (said, _) in REPAIRS.items()} | {
        UNKNOWN: "no repair rescued it", NOT_REPEATABLE: "nothing: driven again, it was won"}
    n = len(content["episodes"])
    return ["cause", "episodes", "what was repaired"], [
        [name, f"{count}/{n}", about[name]] for name, count in content["causes"].items()]


def show(content: dict[str, Any], path: Path) -> None:
    """Print the tables and where the numbers are."""
    from rich.text import Text

    from eval.terminal import console_of, print_table

    console = console_of()
    if not content["episodes"]:
        console.print("No episode failed.")
        return
    console.print(Text(content["note"], style="bold red"))
    print_table(console, f"{content['policy']}: {len(content['episodes'])} of "
                         f"{content['failures']} failures", episodes_table(content))
    print_table(console, "Causes: the first repair that rescued the episode", causes_table(content))
    console.print(f"Causes: {path}", soft_wrap=True, highlight=False)


def picture(content: dict[str, Any]) -> bytes:
    """How episodes failed, each bar by causes, as a PNG."""
    from eval.suites.plots import LINE_IN, new_figure, png

    kinds = [name for name in ABOUT if name in content["kinds"]]
    figure = new_figure(1.6 + LINE_IN * len(kinds))
    axes = figure.add_subplot()
    left = [0] * len(kinds)
    for cause, (colour, hatch) in STYLES.items():
        counts = [sum(row["kind"] == kind and row["cause"] == cause for row in content["episodes"])
                  for kind in kinds]
        if any(counts):
            axes.barh(range(len(kinds)), counts, left=left, label=cause, color=colour, hatch=hatch,
                      edgecolor="white", height=0.68)
            left = [before + count for before, count in zip(left, counts)]
    axes.set_yticks(range(len(kinds)), [name.replace("_", " ") for name in kinds])
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"failed episodes of {content['policy']}, by how they failed; "
                    f"what rescued them: diagnosis")
    axes.legend(title="repaired", fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return png(figure)
