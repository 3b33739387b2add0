"""leaderboard.md: one page for a reader, made from measurements alone."""

from __future__ import annotations

import json
from typing import Any

from eval.advice import TOLERANCE, head_guide
from eval.board import Board
from eval.board_cells import points
from eval.board_tables import (
    advice_table,
    closed_table,
    correlation_table,
    cost_table,
    head_table,
    one_step_table,
    registry_table,
    scenario_table,
    worth_table,
)
from eval.claims_tables import claims_table, target_table
from eval.entrants import ABLATION
from eval.standings import Row
from eval.summary import SHARED_LAYOUTS
from eval.table import Table, markdown

CLOSED = """Success: stood still at the cup, passed every box on the commanded side, touched
nothing. Numbers are those of each policy's first weights (the shipped ones where there are some),
with Wilson intervals; the mean over training seeds decides the rank. Minus the best: difference of
success over episodes that both drove without an error, bootstrap over layouts; each interval stands
for itself, who is measurably worse than the best of so many stands in the advice. Followed when
swapped: layouts driven with both instructions in which the side followed each time, of those in
which every box was passed both times. Baselines and the privileged expert have no rank."""
ONE_STEP = """What would the policy have answered to these pictures? Teacher-forced, in command
units, both linear axes. Intervals of the MAE are a bootstrap over episodes; those of accuracies
count decisions, which resemble each other within an episode, and are narrower than the truth.
**Nothing is ranked by them:** who errs less can drive worse; how far both agree stands below."""
COST = """Parameters of the head are trained for each model, those of the towers are shared and
frozen. Time: the wall clock of one decision of one robot (batch 1), median and 95th percentile,
measured in the open loop on the machine named below, while each run was driven: whatever else the
machine did then is in it. Compare rows of this table, not machines."""
RANKING = """Spearman's rank correlation, each policy one point, 95 % bootstrap over policies. If a
smaller error meant better driving, it would be -1 for the MAE and +1 for accuracies."""
WORTH = """Differences on the same layouts, left and right of one layout together, 95 % bootstrap
over layouts. How much another training would change is not in the interval: it stands beside it,
seed by seed. "Drives better" and "drives worse" are said only where flipping the signs of layouts
gives so much in at most 5 % of cases (by Holm, all rows of a table together) and every training
seed agrees."""
CONTRASTS = """Models that differ in this part, and in more: their heads have other sizes too. Only
variants (`--ablations`) change one thing alone."""
CLAIMS = """The numbers that the laboratory's documents give (000: case studies, 001: registry of
models, 004: presentation), made with other data and in other units: none of them can be compared
with a number above, and none is ranked. Those of one family come from one evaluation and may be
compared with each other where the verdict says so. S-138 and so on are this project's names for
them."""
TARGETS = """The documents' own targets, beside the best number measured here (each the best of its
kind, of whichever model). Their data are others: a target reached on simulated episodes says
nothing about the laboratory's."""


def page(board: Board, stem: str, pictures: list[str]) -> str:
    """The whole page.

    Args:
        board: What it tells.
        stem: The page's file name without its ending; pictures and JSON are named after it.
        pictures: Which pictures lie beside it.
    """
    own = [row for row in board.rows if row.entrant.kind != ABLATION]
    variants = [row for row in board.rows if row.entrant.kind == ABLATION]
    parts = ["# Leaderboard", "\n\n".join(f"> **{each}**" for each in board.warnings),
             _about(board, stem), _picture("success", "Closed-loop success", stem, pictures),
             _section("Which one to take", _rule(), advice_table(board.advice)),
             _section("Closed loop", CLOSED, closed_table(own, board.behind)),
             _section("Success in each scenario, %", "Of the first weights.",
                      scenario_table(own, list(board.scenarios))),
             _section("One-step errors on held-out simulated episodes", ONE_STEP,
                      one_step_table(own)),
             _prediction(board, stem, pictures), _parts(board, variants, stem, pictures),
             _heads(board.rows), _section("What it costs", COST, cost_table(own)),
             _laboratory(board), _published(board), _origin(board)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _about(board: Board, stem: str) -> str:
    config, roots = board.config, sorted(board.files.seed_roots)
    files, layouts = sum(board.files.sources.values()), config["episodes"]
    source = f"generated with the purpose `train` and the root {', '.join(map(str, roots))}" \
        if roots else "of unknown roots"
    look = "" if config["appearance"] == "nominal" else f", appearance {config['appearance']}"
    return f"""Which policy drives best, does one-step error tell, and what is each part worth? All
of it is simulated and measured by one command; every number is in [{stem}.json]({stem}.json).

```text
{board.command}
```

- Closed loop: {len(board.scenarios)} scenarios x {layouts} layouts of the purpose `eval`, root
  {config['seed']}{look}. No training and no validation can draw these layouts. {SHARED_LAYOUTS}
- One-step: {files} episodes that the expert drove, {source}. The generator has no purpose of its
  own for this; that the root is another than that of every training was checked wherever a
  checkpoint names its root."""


def _rule() -> str:
    return (f"Computed from the tables below: the best has the highest success; what saves "
            f"parameters or time may cost at most {100 * TOLERANCE:.0f} points of it.")


def _prediction(board: Board, stem: str, pictures: list[str]) -> str:
    picture = _picture("success_against_error", "Success against one-step error", stem, pictures)
    return _section("Does one-step error predict driving?", RANKING,
                    correlation_table(board.correlations), picture)


def _parts(board: Board, variants: list[Row], stem: str, pictures: list[str]) -> str:
    """What each part of the models is worth."""
    said = ["## What each part is worth", WORTH, _memory(board.memory)]
    if variants:
        said.append(_picture("ablations", "Ablations", stem, pictures))
        if board.ablations:
            said.append(markdown(worth_table(board.ablations, names_both=False)))
        said += ["### The variants' own numbers", markdown(closed_table(variants, {})),
                 markdown(one_step_table(variants)), markdown(cost_table(variants))]
    else:
        said.append("Variants that change one part were not asked for (`--ablations`).")
    if board.contrasts:
        said += ["### Between models", CONTRASTS,
                 markdown(worth_table(board.contrasts, names_both=True))]
    return "\n\n".join(each for each in said if each)


def _memory(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    return (f"Memory: the weakest model that sees several frames, `{found['weakest_with']}`, "
            f"minus the strongest that sees one, `{found['strongest_without']}`: "
            f"{points(found['success'])} points: {found['verdict']}.")


def _heads(rows: list[Row]) -> str:
    guide = head_guide(rows)
    if not guide:
        return ""
    return _section("Which head", "The documents' guide to the four heads, and what they did here "
                                  "behind the same towers.", head_table(guide))


def _laboratory(board: Board) -> str:
    """One table a source of laboratory files: real, simulated and dummy are never pooled."""
    if board.laboratory is None:
        return ""
    parts = ["## One-step errors on laboratory files", "Not comparable with the simulated episodes "
             "above, and never pooled with them."]
    for source, count in sorted(board.laboratory.sources.items()):
        parts += [f"Source **{source}**, {count} files.",
                  markdown(one_step_table(board.rows, source))]
    return "\n\n".join(parts)


def _published(board: Board) -> str:
    families = "\n".join(f"- {name}: {what}." for name, what in board.ledger.families.items())
    return "\n\n".join([
        "## Published elsewhere, not measured here", CLAIMS, markdown(claims_table(board.ledger)),
        "Families:", families, "### Their targets", TARGETS,
        markdown(target_table(board.ledger, board.best))])


def _origin(board: Board) -> str:
    """Weights and runs, code, machine and packages."""
    machines = [f"{each['processor']}, {each['cores']} cores, {each['system']}, Python "
                f"{each['python']}" for each in board.origins["machine"]]
    packages = [", ".join(f"{name} {version}" for name, version in each.items() if version)
                for each in board.origins["packages"]]
    rows = [("code", board.origins["git"] or ["no git revision"]),
            ("camera", board.origins["renderer"]), ("machine", machines), ("packages", packages),
            ("scenarios", [", ".join(f"{name} {digest}"
                                     for name, digest in board.scenarios.items())]),
            ("options", [f"`{json.dumps(board.config, ensure_ascii=False)}`"])]
    table = (["", ""], [[name, "; ".join(found)] for name, found in rows if found])
    return "\n\n".join(["## Where it comes from", *_learned_from(board.rows),
                        markdown(registry_table(board.rows)), markdown(table)])


def _learned_from(rows: list[Row]) -> list[str]:
    """In words, each once."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for each in row.seeds[:1]:
            found.setdefault(each.facts.get("trained_on") or "", []).append(f"`{row.name}`")
    return [f"Learned from {what}: {', '.join(names)}." for what, names in found.items() if what]


def _section(title: str, text: str, table: Table, *more: str) -> str:
    return "\n\n".join(each for each in (f"## {title}", text, *more, markdown(table)) if each)


def _picture(name: str, title: str, stem: str, pictures: list[str]) -> str:
    return f"![{title}]({stem}_{name}.png)" if name in pictures else ""


def files_of(board: Board, stem: str, images: dict[str, bytes]) -> dict[str, bytes]:
    """Everything that is written, by file name; the page comes last."""
    content: dict[str, Any] = board.as_json()
    found = {f"{stem}_{name}.png": image for name, image in images.items()}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    found[f"{stem}.json"] = (text + "\n").encode()
    return found | {f"{stem}.md": page(board, stem, list(images)).encode()}
