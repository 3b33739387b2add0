"""The model card beside a checkpoint, written from its training record."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import policies

CARD_FILE = "README.md"
PAGE = """# {policy}, size {size}

{about}

The head has {parameters:,} parameters, stored in 16 bits; it stands behind the frozen towers that
`config.json` names. Commands are linear_x and linear_y in command units.

| | |
|---|---|
| towers | {towers} |
| learned from | {trained_on}: {decisions:,} decisions, 70 % of the layouts; 15 % chose the epoch, \
15 % were kept for the test below |
| words | each scenario's English, Korean and paraphrased instructions; episodes on the shorter \
side also with wordings that name no side; three of five times in small letters, in capitals, or \
with a comma before *and* and a full stop |
| seeds | weights and order {seed}; {layouts} |
| recipe | {recipe} |
| losses | training {first_loss} -> {last_loss}; validation error {best} at epoch {best_epoch} of \
{epochs}; test error {test} (command units, one step, default wording){overfitted} |
| drove afterwards | {drove} |
| command | `{command}` |
| record | [`training.json`](training.json): options, every epoch, versions |
| check | `golden.npz`: four pictures and the commands given to them; `policies.golden.check` \
compares |

## Results

Driven on layouts that no training saw: `python -m eval.run --scenario all --episodes 100 --policy`
with this folder's path measures it, with intervals. Those that are shipped stand beside each other
in `docs/leaderboard.md`.

## Limits

{limits} It never turns. Words other than those above may be misread. A held-out layout is another
arrangement of the same things, not another place.
"""


SIMULATED = """Simulated pictures of one room's shape and one camera: nothing is known about real
pictures. It learned looks as varied as `randomised`, and drives worse in them than in the nominal
one."""
GIVEN = "It learned from the given files alone, by towers that may have seen other pictures."


def card(record: dict[str, Any]) -> str:
    """The page, Markdown.

    Args:
        record: What `training.learn` stores as training.json.
    """
    head, lesson = record["head"], record["lesson"]
    history = head["history"]
    errors = [epoch["validation_mae"] for epoch in history]
    labelled = head.get("labelled_episodes")
    return PAGE.format(
        policy=record["policy"], size=record["options"]["size"], about=_about(record["policy"]),
        parameters=head["parameters"], towers=_towers(record["towers"]),
        trained_on=lesson["trained_on"] + (f", of which it asked for {labelled} of "
                                           f"{head['of']} to be labelled" if labelled else ""),
        decisions=lesson["decisions"], seed=record["seed"], layouts=_layouts(record["options"]),
        recipe=", ".join(f"{name} {value}" for name, value in head["recipe"].items()),
        first_loss=history[0]["loss"], last_loss=history[-1]["loss"], best=min(errors),
        best_epoch=errors.index(min(errors)) + 1, epochs=len(errors), test=head["test_mae"],
        overfitted=f"; {head['overfitted']}" if head["overfitted"] else "",
        drove=_drove(record.get("closed_loop_val")), command=record["command"],
        limits=GIVEN if record["options"]["data"] else SIMULATED)


def _layouts(options: dict[str, Any]) -> str:
    """Which worlds it learned in."""
    if options["data"]:
        return "the given files, whatever stands in them"
    return f"layouts of the purpose `train`, root {options['seed']}: never the evaluation's"


def _about(policy: str) -> str:
    """What the policy's file says it is."""
    cls, options = policies.find(policy)
    said = inspect.getdoc(sys.modules[cls.__module__]) or ""
    variant = "".join(f" {name} = {value!r}." for name, value in options.items() if name != "name")
    return said + (f"\n\nThis variant:{variant}" if variant else "")


def _towers(known: Any) -> str:
    """What is known of them, in words."""
    if not isinstance(known, dict):
        return str(known)
    recipe = known["recipe"]
    return (f"{recipe['frames']:,} simulated pictures at random poses, {recipe['epochs']} epochs "
            f"in batches of {recipe['batch']}: grounded captions and wording of instructions "
            f"(Kosmos-2), contrastive pairs (CLIP), the action token's answer where things stand "
            f"and which side was named, and for all an auxiliary layer, thrown away afterwards, "
            f"that says where cup and boxes stand")


def _drove(found: dict[str, Any] | None) -> str:
    """Successes on layouts of the purpose `val`."""
    if found is None:
        return "nothing"
    return f"{sum(found['successes'].values())} of {found['n']} episodes on layouts of `val`"
