"""Who decides: the policy interface, baselines, the models and their checkpoints.

`make(name)` is the one door. A user's own policy comes as `module:Class` or a checkpoint folder.
"""

from __future__ import annotations

import difflib
import importlib
from inspect import Parameter, isabstract, isclass, signature
from pathlib import Path
from typing import Any

from policies.checkpoint import read_config
from policies.interface import Action, ActionError, Memory, Policy, PolicySpec

__all__ = ["Action", "ActionError", "Memory", "Policy", "PolicySpec", "REGISTRY", "make"]

REGISTRY: dict[str, tuple[str, dict[str, Any]]] = {
    "stop": ("policies.baselines:Constant", {"name": "stop", "command": (0.0, 0.0, 0.0)}),
    "forward": ("policies.baselines:Constant", {"name": "forward", "command": (1.15, 0.0, 0.0)}),
    "random": ("policies.baselines:Random", {}),
    "core_replay": ("policies.baselines:CoreReplay", {}),
    "expert": ("policies.expert:Expert", {}),
    "expert_keys": ("policies.expert:Expert", {"name": "expert_keys", "keys": True}),
    "text_action": ("policies.text_action:TextAction", {}),
    "hybrid_stepped": ("policies.stepped:Stepped", {"of": "hybrid", "name": "hybrid_stepped"}),
}
LEARNED: dict[str, tuple[str, dict[str, Any]]] = {  # trained by `python -m training.run`
    "hybrid": ("policies.hybrid:Hybrid", {}),
    "kosmos_lstm": ("policies.kosmos_lstm:KosmosLstm", {}),
    "case1_simplified": ("policies.case1_simplified:CaseOne", {}),
    "case2_clip_normalized": ("policies.case2_clip_normalized:CaseTwo", {}),
    "case3_simple": ("policies.case3_simple:CaseThree", {}),
    "case4_robovlms_complete": ("policies.case4_robovlms_complete:CaseFour", {}),
    "case5_active_learning": ("policies.case5_active_learning:CaseFive", {}),
    "robovlms_fc": ("policies.robovlms_fc:RobovlmsFc", {}),
    "robovlms_lstm": ("policies.robovlms_lstm:RobovlmsLstm", {}),
    "robovlms_gpt": ("policies.robovlms_gpt:RobovlmsGpt", {}),
    "robovlms_discrete": ("policies.robovlms_discrete:RobovlmsDiscrete", {}),
    "simple_lstm": ("policies.simple_lstm:SimpleLstm", {}),
    "clip_lstm": ("policies.clip_lstm:ClipLstm", {}),
    "enhanced_2d": ("policies.enhanced_2d:Enhanced2D", {}),
    "advanced_multimodal": ("policies.advanced_multimodal:AdvancedMultimodal", {}),
    "fixed_robovlms": ("policies.fixed_robovlms:FixedRobovlms", {}),
}
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {  # one part changed: what is it worth?
    "hybrid_no_text": ("policies.hybrid:Hybrid", {"text": False}),
    "hybrid_no_memory": ("policies.hybrid:Hybrid", {"memory": False}),
    "hybrid_lstm_512": ("policies.hybrid:Hybrid", {"lstm_factor": 0.5}),
    "hybrid_lstm_4096": ("policies.hybrid:Hybrid", {"lstm_factor": 4.0}),
    "hybrid_output_norm": ("policies.hybrid:Hybrid", {"output_norm": True}),
    "hybrid_window_4": ("policies.hybrid:Hybrid", {"window": 4}),
    "hybrid_reduced_towers": ("policies.hybrid:Hybrid", {"tower_layers": "reduced"}),
    "hybrid_lora": ("policies.hybrid:Hybrid", {"tuning": "lora"}),
    "hybrid_end_to_end": ("policies.hybrid:Hybrid", {"tuning": "end_to_end"}),
    "hybrid_curriculum": ("policies.hybrid:Hybrid", {}),  # by training.recipes
    "case1_no_text": ("policies.case1_simplified:CaseOne", {"text": False}),
    "case1_output_norm": ("policies.case1_simplified:CaseOne", {"output_norm": True}),
    "case1_first_frame": ("policies.case1_simplified:CaseOne", {}),  # by training.recipes
    "case1_random_frame": ("policies.case1_simplified:CaseOne", {}),  # by training.recipes
    "case2_no_resampler": ("policies.case2_clip_normalized:CaseTwo", {"resampler": False}),
    "case2_no_clip": ("policies.case2_clip_normalized:CaseTwoWithoutClip", {}),
    "case4_no_planner": ("policies.case4_robovlms_complete:CaseFour", {"planner": False}),
    "case4_no_resampler": ("policies.case4_robovlms_complete:CaseFour", {"resampler": False}),
    "case4_latents_16": ("policies.case4_robovlms_complete:CaseFour", {"latents_factor": 0.25}),
    "robovlms_lstm_segment": ("policies.robovlms_lstm:RobovlmsLstm", {"organise": "segment"}),
    "robovlms_lstm_no_mask": ("policies.robovlms_lstm:RobovlmsLstm", {"action_mask": False}),
    "robovlms_lstm_regularised": ("policies.robovlms_lstm:RobovlmsLstm", {"regularise": True}),
    "robovlms_lstm_mu_law": ("policies.robovlms_lstm:RobovlmsLstm", {"mu_law": True}),
    "enhanced_2d_no_resampler": ("policies.enhanced_2d:Enhanced2D", {"resampler": False}),
    "advanced_multimodal_no_distance": (
        "policies.advanced_multimodal:AdvancedMultimodal", {"distance": False}),
    "advanced_multimodal_no_hierarchy": (
        "policies.advanced_multimodal:AdvancedMultimodal", {"hierarchy": False}),
    "fixed_robovlms_no_claw": ("policies.fixed_robovlms:FixedRobovlms", {"claw": False}),
    "fixed_robovlms_no_hierarchy": (
        "policies.fixed_robovlms:FixedRobovlms", {"hierarchy": False}),
}
COMPARED = tuple(LEARNED)  # the models of the comparison, without their variants
LEARNED |= {name: (target, {"name": name} | options)
            for name, (target, options) in ABLATIONS.items()}
REGISTRY |= LEARNED
ELSEWHERE: dict[str, tuple[str, dict[str, Any]]] = {  # on another machine: docs/remote.md
    "remote": ("policies.remote:Remote", {}),
}
EXTRA: dict[str, tuple[str, dict[str, Any]]] = {  # drive, and are in no comparison
    "spoken": ("policies.spoken:Spoken", {}),
}
WRAPPERS = {  # KIND=NAME,...: policies around policies, docs/wrappers.md
    "shadow": "policies.shadow:Shadow",
    "fallback": "policies.fallback:Fallback",
    "sequence": "policies.sequence:InSequence",
    "mirrored": "policies.mirrored:Mirrored",
    "occluded": "policies.occluded:Occluded",
}
WRAPPED = {"case2_or_case1": "fallback=case2_clip_normalized,case1_simplified"}
ADDRESSES = ("ws://", "wss://")  # how the address of such a policy begins


def find(name: str) -> tuple[type[Policy], dict[str, Any]]:
    """The class and the fixed options behind a registered name."""
    target, fixed = REGISTRY[name]
    return _find_class(target), fixed


def make(name: str, **options: Any) -> Policy:
    """A policy by its registered name, as `module:Class`, a checkpoint folder, or an address.

    `KIND=NAME,NAME,...` wraps policies in another: the first gets all options, the others those of
    them that they take, but no checkpoint.

    Args:
        name: What `--policy` takes.
        options: Constructor arguments (size, checkpoint, device) for policies that take them.

    Raises:
        ValueError: for an unknown name ("Did you mean"), module, class or folder.
    """
    if name.startswith(ADDRESSES):
        name, options = "remote", {"server": name} | options
    name = WRAPPED.get(name, name)
    if name.partition("=")[0] in WRAPPERS:
        return _wrap(name, options)
    known = REGISTRY | ELSEWHERE | EXTRA
    if name in known:
        target, fixed = known[name]
        return _construct(target, fixed | options)
    if ":" in name:
        return _construct(name, options)
    if (Path(name) / "config.json").is_file():
        return _from_folder(Path(name), options)
    if "/" in name:
        raise ValueError(f"{name}: no such checkpoint folder, expected one with a config.json.")
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown policy {name!r}.{hint} Expected one of {', '.join(known)}, "
                     f"'module:Class', ws://HOST:PORT or a checkpoint folder with a config.json.")


def _wrap(name: str, options: dict[str, Any]) -> Policy:
    """A policy around others; numbers behind their names are the wrapper's own."""
    kind, _, rest = name.partition("=")
    names = [each.strip() for each in rest.split(",")]
    numbers: list[float] = []
    while names and _is_number(names[-1]):
        numbers.insert(0, float(names.pop()))
    if not all(names):
        raise ValueError(f"Policy {name!r}: expected {kind}=NAME,NAME,...")
    cls: Any = _find_class(WRAPPERS[kind])
    if len(numbers) > len(signature(cls).parameters) - 1:
        raise ValueError(f"Policy {name!r}: too many numbers, got {numbers}.")
    return cls([make(each, **(options if place == 0 else _fitting(each, options)))
                for place, each in enumerate(names)], *numbers)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _fitting(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Those options that a registered policy takes, but no weights of another's."""
    if name not in REGISTRY:
        return {}
    cls, _ = find(name)
    takes = signature(cls).parameters.values()
    named = {each.name for each in takes if each.kind is not each.VAR_KEYWORD}
    takes_any = len(named) < len(takes)
    return {option: value for option, value in options.items()
            if option != "checkpoint" and (takes_any or option in named)}


def _from_folder(folder: Path, options: dict[str, Any]) -> Policy:
    """The policy of a checkpoint folder: its class by registered name, its size from itself."""
    config = read_config(folder)
    if config.get("policy") not in REGISTRY:
        raise ValueError(f"{folder}: is a checkpoint of {config.get('policy')!r}, "
                         f"which is none of {', '.join(REGISTRY)}.")
    return make(config["policy"], **({"size": config["size"], "checkpoint": str(folder)} | options))


def _construct(target: str, options: dict[str, Any]) -> Policy:
    """An object of `module:Class`; options that its constructor does not take are an error."""
    cls = _find_class(target)
    takes = signature(cls).parameters
    named = {name for name, each in takes.items() if each.kind not in (each.VAR_POSITIONAL,
                                                                       each.VAR_KEYWORD)}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in takes.values())
    unknown = [] if takes_any else [option for option in options if option not in named]
    if unknown:
        raise ValueError(f"Policy {target!r} takes no {', '.join(unknown)}, "
                         f"expected only {', '.join(takes) or 'no options'}.")
    missing = [name for name in takes if name in named and name not in options
               and takes[name].default is Parameter.empty]
    if missing:
        raise ValueError(f"Policy {target!r} needs {', '.join(missing)}: give its constructor "
                         f"defaults, so that a name is enough.")
    policy = cls(**options)
    if not isinstance(getattr(policy, "spec", None), PolicySpec):
        raise ValueError(f"Policy {target!r} has no spec: set self.spec = PolicySpec(name).")
    return policy


def _find_class(target: str) -> type[Policy]:
    """The class behind `module:Class`, or one sentence about what is wrong with it."""
    module_name, _, class_name = target.partition(":")
    if not class_name or not all(part.isidentifier() for part in module_name.split(".")):
        raise ValueError(f"Policy {target!r}: expected 'module:Class', like 'my_policies:Mine'.")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"Policy {target!r}: there is no module {error.name!r}.") from error
    except AttributeError as error:
        raise ValueError(
            f"Policy {target!r}: {module_name} has no class {class_name!r}."
        ) from error
    if not (isclass(cls) and issubclass(cls, Policy)):
        raise ValueError(f"{target!r} is no Policy class, expected one derived from "
                         f"policies.Policy.")
    if isabstract(cls):
        raise ValueError(f"Policy {target!r} lacks {', '.join(sorted(cls.__abstractmethods__))}.")
    return cls
