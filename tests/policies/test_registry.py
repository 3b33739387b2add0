"""One door to every policy: a name, `module:Class`, or a checkpoint folder."""

import inspect

import pytest

import policies
from policies import Policy

OWN = """
import numpy as np
from policies import Action, Policy, PolicySpec

class Mine(Policy):
    def __init__(self, speed: float = 1.0):
        self.spec = PolicySpec("mine")
        self.speed = speed
    def begin(self, instruction, seed):
        return None
    def act(self, memories, observations):
        return [Action(np.array([[self.speed, 0.0, 0.0]])) for _ in observations]
"""


def test_registered_names_are_given_as_text_and_answer_with_a_policy():
    for name, (target, options) in policies.REGISTRY.items():
        assert isinstance(target, str)
        assert target.count(":") == 1
        assert isinstance(options, dict), name
    assert isinstance(policies.make("forward"), Policy)


@pytest.mark.parametrize(("name", "said"), [
    ("hybird", r"Unknown policy 'hybird'\. Did you mean 'hybrid'\? Expected one of stop, forward"),
    ("zzz", r"Unknown policy 'zzz'\. Expected one of"),
    ("no/such/folder", r"no such checkpoint folder, expected one with a config\.json"),
    ("nowhere:Mine", r"Policy 'nowhere:Mine': there is no module 'nowhere'"),
    ("policies.baselines:Mine", r"policies\.baselines has no class 'Mine'"),
    ("policies.baselines:json", r"'policies\.baselines:json' is no Policy class"),
    (":Mine", r"':Mine': expected 'module:Class'"),
    ("..up:Mine", r"'\.\.up:Mine': expected 'module:Class'"),
    ("policies.interface:Policy", r"'policies\.interface:Policy' lacks act, begin"),
    ("policies.baselines:Constant", r"needs name, command: give its constructor defaults"),
])
def test_an_unknown_policy_gets_a_sentence_that_helps(name, said):
    with pytest.raises(ValueError, match=said):
        policies.make(name)


def test_an_option_that_a_policy_does_not_take_is_refused():
    with pytest.raises(ValueError, match=r"takes no size, expected only name, command"):
        policies.make("forward", size="mini")


def test_a_policy_of_ones_own_comes_as_module_and_class(tmp_path, monkeypatch):
    (tmp_path / "my_policies.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    mine = policies.make("my_policies:Mine", speed=0.25)
    action, = mine.act([mine.begin("go", 0)], [None])
    assert action.commands.tolist() == [[0.25, 0.0, 0.0]]


def test_a_policy_without_a_spec_is_refused(tmp_path, monkeypatch):
    without = OWN.replace('self.spec = PolicySpec("mine")', "pass")
    (tmp_path / "without_spec.py").write_text(without, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="has no spec: set self.spec = PolicySpec"):
        policies.make("without_spec:Mine")


def test_a_module_whose_own_import_fails_names_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import not_installed_here\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="there is no module 'not_installed_here'"):
        policies.make("needs_more:Mine")


def test_every_policy_is_one_file_behind_the_contract():
    for name in ("stop", "random", "core_replay", "expert"):
        policy = policies.make(name)
        assert not inspect.isabstract(type(policy))
        assert policy.spec.name == name
