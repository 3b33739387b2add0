import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.action_tokens import BINS, OFFSET, ActionTokenizer

VOCABULARY, SPECIALS = 64_000, 7
ORIG = VOCABULARY - SPECIALS - OFFSET


def tokenizer():
    return ActionTokenizer(VOCABULARY, SPECIALS)


def test_ids_are_counted_from_the_end_of_the_vocabulary_as_numpy_s_bins_say():
    edges = np.linspace(-1, 1, BINS)
    values = np.concatenate([(edges[1:] + edges[:-1]) / 2, [-1.0, 0.0, 0.5, 1.0]])
    ids = tokenizer().encode(torch.from_numpy(values).float())
    assert ids.tolist() == (ORIG - np.digitize(values, edges)).tolist()


def test_the_rims_have_the_first_and_the_last_id_and_beyond_is_cut():
    ids = tokenizer().encode(torch.tensor([-5.0, -1.0, 1.0, 5.0]))
    assert ids.tolist() == [ORIG - 1, ORIG - 1, ORIG - BINS, ORIG - BINS]


def test_the_token_that_begins_a_command_is_no_action_s():
    tokens = tokenizer()
    ids = tokens.encode(torch.linspace(-1, 1, 10_000))
    assert tokens.begin_id == ORIG - (BINS + 1)
    assert (ids.min(), ids.max()) == (tokens.begin_id + 1, ORIG - 1)
    assert len(ids.unique()) == BINS


@settings(derandomize=True, deadline=None)
@given(st.floats(-1.0, 1.0, width=32))
def test_a_value_comes_back_within_half_a_bin_and_at_the_upper_rim_within_one(value):
    tokens = tokenizer()
    off = abs(tokens.decode(tokens.encode(torch.tensor([value]))).item() - value)
    assert off <= 1 / 255 + 1e-6


def test_standing_still_comes_back_exactly():
    tokens = tokenizer()
    assert tokens.decode(tokens.encode(torch.zeros(1))).item() == pytest.approx(0.0, abs=1e-9)


def test_the_last_bin_and_ids_of_other_words_are_read_as_the_nearest_centre():
    tokens = tokenizer()
    ids = torch.tensor([ORIG - BINS, ORIG - BINS + 1, tokens.begin_id, 5, VOCABULARY - 1])
    last = 1 - 1 / 255
    assert tokens.decode(ids).tolist() == pytest.approx([last, last, last, last, -last], abs=1e-6)


def test_an_id_read_and_said_again_is_the_same_but_for_the_last_bin():
    tokens = tokenizer()
    ids = torch.arange(tokens.begin_id + 2, ORIG)
    assert torch.equal(tokens.encode(tokens.decode(ids)), ids)


def test_a_vocabulary_that_is_too_small_says_how_many_entries_it_needs():
    assert ActionTokenizer(267).begin_id == 0
    with pytest.raises(ValueError, match="at least 267 entries for 256 bins, got 266"):
        ActionTokenizer(266)
