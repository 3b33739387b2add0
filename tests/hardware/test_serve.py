"""A stranger who knows openpi's protocol, and nothing of our code, drives our policies."""

import copy
import threading
import urllib.request

import numpy as np
import pytest

from hardware.remote_client import MOST_STATES
from tests.hardware.brains import Diary, Drawn, Moody, mixed
from tests.hardware.openpi import Client, packed, picture, unpacked
from tests.hardware.serving import served


@pytest.fixture(scope="module")
def address():
    with served(Moody()) as found:
        yield found


@pytest.fixture
def client(address):
    found = Client(address)
    yield found
    found.socket.close()


def seen(*seeds: int) -> list:
    """What a diary holds after these pictures."""
    return [(int(each["observation/image"].sum()), each["observation/state"].tolist())
            for each in map(picture, seeds)]


def row(number: int, **more) -> dict:
    shown = picture(number)
    del shown["prompt"]
    return shown | more


def test_the_metadata_come_first_and_say_what_to_show(client):
    assert client.metadata["policy"]["name"] == "moody"
    assert client.metadata["policy"]["image_size"] == [16, 16]
    assert client.metadata["actions"].startswith("[1, 3] float32: linear_x")


def test_an_answer_is_the_policys_plan_with_its_times(client):
    first, second = client.infer(picture(0)), client.infer(picture(1))
    np.testing.assert_array_equal(first["actions"], mixed("go left", 0, *seen(0)))
    assert first["actions"].dtype == np.float32
    assert (first["stop"], first["confidence"]) == (False, 0.75)
    assert first["server_timing"]["infer_ms"] > 0
    assert second["server_timing"]["prev_total_ms"] >= first["server_timing"]["infer_ms"]


def test_a_connection_is_an_episode_until_other_words_or_a_reset_begin_another(client):
    client.infer(picture(0))
    second = client.infer(picture(1))
    np.testing.assert_array_equal(second["actions"], mixed("go left", 0, *seen(0, 1)))
    other = client.infer(picture(2, "go right") | {"seed": 5})
    np.testing.assert_array_equal(other["actions"], mixed("go right", 5, *seen(2)))
    again = client.infer(picture(3, "go right") | {"reset": True})
    np.testing.assert_array_equal(again["actions"], mixed("go right", 0, *seen(3)))


def test_a_policy_that_says_stop_sends_no_motion_to_those_who_know_only_actions(client):
    answer = client.infer(picture(0, "arrived"))
    assert answer["stop"]
    assert not answer["actions"].any()


def test_several_clients_have_memories_of_their_own_and_share_calls():
    policy, count = Diary(), 6
    Diary.rows.clear()
    with served(policy, batch=3) as address:
        clients = [Client(address) for _ in range(count)]
        answers: dict[int, list] = {}

        def drive(number: int) -> None:
            answers[number] = [clients[number].infer(picture(10 * number + step))["actions"]
                               for step in range(5)]

        threads = [threading.Thread(target=drive, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for client in clients:
            client.socket.close()
    for number in range(count):
        shown = [10 * number + step for step in range(5)]
        for step in range(5):
            np.testing.assert_array_equal(
                answers[number][step], mixed("go left", 0, *seen(*shown[:step + 1])))
    assert set(Diary.rows) == {3}, "every call has the one fixed size"


def test_rows_of_one_message_are_answered_in_one_call():
    Diary.rows.clear()
    with served(Diary(), batch=4) as address:
        client = Client(address)
        called = len(Diary.rows)
        rows = [row(each, episode=each, prompt="go", seed=each) for each in range(4)]
        answer = unpacked(client.say(packed({"seq": 7, "rows": rows})))
        assert len(Diary.rows) == called + 1
        client.socket.close()
    assert answer["seq"] == 7
    for number, each in enumerate(answer["rows"]):
        np.testing.assert_array_equal(each["actions"], mixed("go", number, *seen(number)))


def test_an_episode_goes_on_from_the_state_that_is_named_as_often_as_asked(client):
    def infer(number: int, **place) -> dict:
        message = packed({"rows": [row(number, episode=1, **place)]})
        return unpacked(client.say(message))["rows"][0]

    first = infer(0, prompt="go", seed=3)
    second = infer(1, state=first["state"])
    branch = infer(2, state=first["state"])
    np.testing.assert_array_equal(second["actions"], mixed("go", 3, *seen(0, 1)))
    np.testing.assert_array_equal(branch["actions"], mixed("go", 3, *seen(0, 2)))
    for number in range(MOST_STATES):
        infer(number, state=branch["state"])
    assert infer(0, state=first["state"])["kind"] == "lost"
    client.socket.send(packed({"rows": [row(0, episode=2, prompt="go")], "over": [1]}))
    client.socket.recv()
    assert "not kept" in infer(0, state=branch["state"])["error"]


def test_a_wrong_answer_and_a_bug_are_of_their_own_row_only(client):
    rows = [row(1, episode=number, prompt=words, seed=0)
            for number, words in enumerate(("go", "wrong", "bug", "unspeakable"))]
    answer = unpacked(client.say(packed({"seq": 1, "rows": rows})))["rows"]
    np.testing.assert_array_equal(answer[0]["actions"], mixed("go", 0, *seen(1)))
    assert answer[1] == {"kind": "action", "error": "I do not know."}
    assert answer[2] == {"kind": "failed", "error": "its policy failed (KeyError); the server's "
                                                    "log says where."}
    assert answer[3] == {"kind": "refused", "error": "I do not know that word."}


def test_an_episode_that_is_over_ends_in_the_policy_once():
    Diary.ended.clear()
    with served(Diary()) as address:
        client = Client(address)
        client.infer(picture(0))
        rows = [row(each, episode=each, prompt="go", seed=each) for each in (1, 2)]
        client.say(packed({"rows": rows}))
        client.say(packed({"rows": [row(3, episode=3, prompt="go", seed=3)], "over": [1, 1, 99]}))
        client.socket.close()
    assert sorted(map(repr, Diary.ended)) == sorted(map(repr, (
        ["go left", 0, *seen(0)], *(["go", each, *seen(each)] for each in (1, 2, 3)))))


def test_health_is_told_without_a_token_and_without_a_client():
    with served(Diary(), token="a" * 16) as address:
        for path in ("/healthz", "/health"):
            with urllib.request.urlopen(address.replace("ws", "http") + path) as answer:
                assert (answer.status, answer.read()) == (200, b"OK\n")


def test_answers_over_the_wire_are_those_of_the_policy_bit_for_bit():
    policy = Drawn()
    memory = policy.begin("go left", 0)
    with served(policy) as address:
        client = Client(address)
        for step in range(5):
            shown = picture(step)
            here, = policy.act([memory], [{"rgb": shown["observation/image"],
                                           "velocity": shown["observation/state"]}])
            there = client.infer(copy.deepcopy(shown))
            assert there["actions"].tobytes() == here.commands.tobytes()
        client.socket.close()
