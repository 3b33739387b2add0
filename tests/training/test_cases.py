"""Each case model learns what its mechanism alone can tell, and without it does not."""

from dataclasses import replace

import numpy as np
import torch

from policies.case5_active_learning import uncertainty
from policies.planner_tasks import TASKS
from policies.sizes import MINI
from tests.policies.heads import head_of, widths
from training.features import Features
from training.heads import HeadRecipe, one_step_mae, train_head
from training.recipes import recipe_of

WIDTH, PATCHES = 4, 6
GUESS = 1.15 / 2  # mean error over both axes of who guesses a sideways +-1.15 is as large
RECIPE = HeadRecipe(epochs=12, batch=64, learning_rate=5e-3, patience=99, feature_noise=0.0,
                    precision="no")


def lesson(side: np.ndarray, told: np.ndarray | None = None, steps: int = 1, **seen: torch.Tensor):
    """Decisions that go to a side (+-1); all that is not given is noise; `told`: 0 or 1."""
    rng = torch.Generator().manual_seed(0)
    count = len(side)
    shapes = {"kosmos_vision": (count, WIDTH), "kosmos_patches": (count, PATCHES, WIDTH),
              "clip_vision": (count, WIDTH)}
    noise = {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}
    commands = torch.zeros(count, 2)
    commands[:, 1] = 1.15 * torch.from_numpy(side).float()
    told = np.zeros(count, int) if told is None else told
    episodes = np.repeat(np.arange(count // steps), steps)
    return Features(seen=noise | seen, commands=commands, episodes=episodes, layouts=episodes,
                    steps=np.tile(np.arange(steps), count // steps),
                    texts={"kosmos_text": torch.eye(2, WIDTH)},
                    wordings=[[int(told[k])] for k in range(0, count, steps)])


def signs(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1, 1], count)


def error(name: str, data: Features, recipe: HeadRecipe = RECIPE) -> float:
    """One-step error on the test share after training."""
    head = head_of(name, MINI, dict.fromkeys(widths(MINI), WIDTH))
    return train_head(head, data, recipe)["test_mae"]


def shown(values: np.ndarray) -> torch.Tensor:
    """Pictures [N, WIDTH] whose first number is a value, the others noise."""
    seen = torch.randn(len(values), WIDTH, generator=torch.Generator().manual_seed(2))
    seen[:, 0] = torch.from_numpy(values).float()
    return seen


def marked(values: np.ndarray) -> torch.Tensor:
    """Patches of which one, anywhere, is marked and carries the value; the others contradict."""
    rng = torch.Generator().manual_seed(3)
    patches = torch.randn(len(values), PATCHES, WIDTH, generator=rng)
    place = torch.randint(PATCHES, (len(values),), generator=rng)
    rows = torch.arange(len(values))
    patches[:, :, 0], patches[rows, place, 0] = 0.0, 3.0
    patches[rows, place, 1] = torch.from_numpy(values).float()
    return patches


def test_case_1_joins_picture_and_words_where_neither_alone_tells():
    box, told = signs(1600), (signs(1600, seed=2) + 1) // 2
    data = lesson(box * (2 * told - 1), told, kosmos_vision=shown(box))
    assert error("case1_simplified", data) < 0.3 * GUESS
    assert error("case1_no_text", data) > 0.8 * GUESS


def test_case_2_finds_the_patch_that_matters_wherever_it_is():
    side = signs(1600)
    data = lesson(side, kosmos_patches=marked(side))
    assert error("case2_no_clip", data) < 0.5 * GUESS
    assert error("case2_no_resampler", data) > 0.8 * GUESS


def test_case_2_hears_clip_only_through_its_normalisation():
    side = signs(800)
    data = lesson(side, clip_vision=shown(side))
    assert error("case2_clip_normalized", data) < 0.3 * GUESS
    assert error("case2_no_clip", data) > 0.8 * GUESS


def test_case_3_learns_in_its_own_five_epochs():
    side = signs(6400)
    recipe = recipe_of("case3_simple", epochs=40, seed=0)
    assert recipe.epochs == 5
    assert error("case3_simple", lesson(side, kosmos_vision=shown(side)), recipe) < 0.5 * GUESS


def test_case_4_plans_tasks_and_places_of_five_commands():
    first = signs(240)
    side = np.repeat(first, 5)
    data = lesson(side, steps=5, kosmos_patches=marked(side))
    data.commands[data.steps < 2] = torch.tensor([1.15, 0.0])  # straight on for two, then aside
    data.seen["kosmos_patches"][:, :, 2] = torch.from_numpy(data.steps - 2.0).float()[:, None]
    head = head_of("case4_robovlms_complete", MINI, dict.fromkeys(widths(MINI), WIDTH))
    train_head(head, data, replace(RECIPE, epochs=30))
    parts, lengths = data.windows(np.flatnonzero(data.steps == 0), head.wants, None)
    with torch.inference_mode():
        plan = head.eval()(parts, lengths)[:, 0]
        planned = head.planner(head.fuse(parts).flatten(0, 1))
    straight = torch.tensor([[1.15, 0.0]] * 2)
    assert (plan[:, :2] - straight).abs().mean() < 0.2
    assert (plan[:, 2:, 1].mean(dim=1).numpy() * first > 0.6).mean() > 0.9
    ways = [[TASKS[task] for task in row] for row in planned.tasks.argmax(dim=-1)[:, :2].tolist()]
    right = [["forward", "left" if way > 0 else "right"] for way in first]
    assert np.mean([a == b for a, b in zip(ways, right)]) > 0.9
    ends = planned.places[:, -1].numpy()  # two steps ahead, three aside
    assert (ends[:, 0] > 1.0).mean() > 0.9
    assert (ends[:, 1] * first > 1.5).mean() > 0.9


def test_case_5_is_less_certain_of_what_it_never_saw():
    side = signs(1600)
    data = lesson(side, kosmos_vision=shown(side))
    scatter = []
    for seed in range(3):  # one small head may be an exception
        head = head_of("case5_active_learning", MINI, dict.fromkeys(widths(MINI), WIDTH), seed)
        train_head(head, data, replace(RECIPE, epochs=30))
        assert one_step_mae(head, data, np.arange(1600)) < 0.3 * GUESS
        parts, lengths = data.windows(np.arange(400), head.wants, None)
        between = parts | {"kosmos_vision": parts["kosmos_vision"].clone()}
        between["kosmos_vision"][..., 0] = 0.0  # neither side
        chance = torch.Generator().manual_seed(0)
        scatter.append([uncertainty(head, each, lengths, 16, chance).mean().item()
                        for each in (parts, between)])
    known, unknown = np.mean(scatter, axis=0)
    assert unknown > 1.25 * known


def test_frame_selection_is_a_recipe_and_no_other_model():
    assert recipe_of("case1_first_frame", 40, 0).frames == "first"
    assert recipe_of("case1_random_frame", 40, 0).frames == "random"
    assert recipe_of("case1_simplified", 40, 0) == HeadRecipe(epochs=40, seed=0)
