"""`--policy remote` against a server that knows openpi's protocol and nothing of our code."""

import contextlib
import copy
import gc
import socket
import threading

import msgpack
import numpy as np
import pytest

import policies
from policies import ActionError
from policies.interface import UnreachableError
from policies.remote import Remote
from tests.hardware.brains import Diary, Moody, mixed
from tests.hardware.openpi import Server, packed, picture, unpacked
from tests.hardware.serving import served

PLAN = np.array([[0.5, -0.25, 0.125], [1.0, 0.0, 0.0]])


def seen(number: int) -> dict:
    shown = picture(number)
    return {"rgb": shown["observation/image"], "velocity": shown["observation/state"]}


def test_a_server_of_openpi_drives_with_a_picture_a_velocity_and_the_words():
    server = Server(lambda observation: {"actions": PLAN})
    with server.running() as address:
        remote = policies.make(address)
        memory = remote.begin("Navigate left", 3)
        action, = remote.act([memory], [seen(1)])
    assert (remote.spec.name, remote.spec.plan_length) == ("remote", 2)
    np.testing.assert_array_equal(action.commands, PLAN.astype(np.float32))
    shown = server.seen[-1]
    np.testing.assert_array_equal(shown["observation/image"], seen(1)["rgb"])
    np.testing.assert_array_equal(shown["observation/state"], seen(1)["velocity"])
    assert shown["prompt"] == "Navigate left"
    assert set(shown) == {"observation/image", "observation/state", "prompt"}


def test_actions_of_two_numbers_do_not_turn_and_others_need_a_named_adapter():
    with Server(lambda observation: {"actions": PLAN[:, :2]}).running() as address:
        remote = Remote(address)
        action, = remote.act([remote.begin("", 0)], [seen(1)])
        np.testing.assert_array_equal(action.commands, [[0.5, -0.25, 0], [1, 0, 0]])
    seven = np.zeros((1, 7))
    seven[0, [0, 5]] = 0.5, -1.0
    with Server(lambda observation: {"actions": seven}).running() as address:
        with pytest.raises(ValueError, match="7 numbers a row.*names the adapter"):
            Remote(address)
        remote = Remote(address, adapter="padded7_to_base")
        action, = remote.act([remote.begin("", 0)], [seen(1)])
        np.testing.assert_array_equal(action.commands, [[0.5, 0, -1]])


def test_other_names_of_picture_and_velocity_are_options():
    server = Server(lambda observation: {"actions": PLAN})
    with server.running() as address:
        Remote(address, image_key="observation/exterior_image_1_left", state_key="state")
    assert set(server.seen[0]) == {"observation/exterior_image_1_left", "state", "prompt"}


def test_a_number_beyond_the_range_is_the_policys_error():
    answers = [PLAN, PLAN * 3]
    with Server(lambda observation: {"actions": answers.pop(0)}).running() as address:
        remote = Remote(address)
        with pytest.raises(ActionError, match=r"within \+-1.15"):
            remote.act([remote.begin("", 0)], [seen(1)])


def counting(slow_s):
    """A server that answers how many-th question this is; the first is the client's trial."""
    count = iter(range(100))
    return Server(lambda observation: {"actions": np.full((1, 3), next(count) / 100)},
                  slow_s=[0.0, *slow_s])


def test_a_late_answer_is_dropped_and_counted_and_never_taken_for_the_next():
    with counting([0.6, 0.0, 0.0]).running() as address:
        remote = Remote(address, answer_s=0.3)
        memory = remote.begin("", 0)
        with pytest.raises(UnreachableError, match="did not answer within 0.3 s"):
            remote.act([memory], [seen(1)])
        remote._line._answer_s = 5.0
        action, = remote.act([memory], [seen(2)])
        assert action.commands[0, 0] == np.float32(0.02)
        assert remote.dropped == 1
        assert remote.act([memory], [seen(3)])[0].commands[0, 0] == np.float32(0.03)
        assert remote.dropped == 1


def test_an_answer_with_the_number_of_another_question_is_dropped():
    def infer(message):
        plan = {"actions": np.zeros((1, 3), np.float32), "stop": False, "confidence": None,
                "state": 1}
        for number in (message["seq"] - 1, 77, message["seq"]):
            spoken.append(packed({"seq": number, "rows": [plan | {"actions": np.full(
                (1, 3), number / 100, np.float32)}]}))
        return spoken.pop()

    class Chatty(Server):
        def talk(self, socket):
            self.socket = socket
            socket.send(packed(self.metadata))
            with contextlib.suppress(Exception):
                for message in socket:
                    last = self.infer(unpacked(message))
                    while spoken:
                        socket.send(spoken.pop(0))
                    socket.send(last)

    spoken: list[bytes] = []
    from policies.remote_spec import metadata_of
    with Chatty(infer, metadata_of(Diary().spec, 1)).running() as address:
        remote = Remote(address)
        action, = remote.act([remote.begin("", 0)], [seen(1)])
        assert action.commands[0, 0] == np.float32(0.01)
        assert remote.dropped == 2


def test_a_copied_memory_goes_on_from_where_it_was_copied():
    with served(Diary()) as address:
        remote, diary = Remote(address), Diary()
        memory, here = remote.begin("go", 1), diary.begin("go", 1)
        remote.act([memory], [seen(0)])
        diary.act([here], [seen(0)])
        branch, here_branch = copy.deepcopy(memory), copy.deepcopy(here)
        for number, (there, local) in enumerate([(memory, here), (branch, here_branch)]):
            for step in range(3):
                shown = seen(10 * number + step)
                np.testing.assert_array_equal(remote.act([there], [shown])[0].commands,
                                              diary.act([local], [shown])[0].commands)


def test_copies_that_fill_up_a_call_are_asked_once_and_forgotten_episodes_end():
    with served(Diary(), batch=8) as address:
        remote = Remote(address)
        memory = remote.begin("go", 1)
        shown = seen(0)
        rows: list[int] = []
        exchange = remote._line.exchange
        remote._line.exchange = lambda messages: (
            rows.extend(len(each["rows"]) for each in messages), exchange(messages))[1]
        actions = remote.act([memory, *(copy.deepcopy(memory) for _ in range(7))], [shown] * 8)
        assert len(actions) == 8
        assert rows == [1]
        Diary.ended.clear()
        del memory
        gc.collect()
        remote.act([remote.begin("go", 2)], [shown])
    assert sorted(each[1] for each in Diary.ended) == [1, 2]


def test_a_wrong_answer_of_the_server_policy_is_an_action_error_of_its_row():
    with served(Moody()) as address:
        remote = Remote(address)
        with pytest.raises(ActionError, match="I do not know."):
            remote.act([remote.begin("go", 0), remote.begin("wrong", 0)], [seen(0), seen(1)])
        with pytest.raises(ValueError, match="I do not know that word"):
            remote.act([remote.begin("unspeakable", 0)], [seen(0)])
        with pytest.raises(UnreachableError, match="its policy failed"):
            remote.act([remote.begin("bug", 0)], [seen(0)])
        assert remote.act([remote.begin("go", 0)], [seen(0)])


def silent(*first: bytes):
    """A port at which somebody says this and no more."""
    @contextlib.contextmanager
    def running():
        kept = []
        with socket.create_server(("127.0.0.1", 0)) as listening:
            def talk():
                with contextlib.suppress(OSError):
                    caller, _ = listening.accept()
                    kept.append(caller)
                    for each in first:
                        caller.recv(4096)
                        caller.sendall(each)
                        caller.close()
            threading.Thread(target=talk, daemon=True).start()
            yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
    return running()


@pytest.mark.parametrize(("address", "sentence"), [
    ("ws://no.such.host.invalid:8000", "no host of that name"),
    ("ws://127.0.0.1:9", "nobody listens there; start one with"),
    ("ws://127.0.0.1:99999", "no address of a policy server"),
    ("ws://", "no address of a policy server"),
])
def test_an_address_where_nobody_is_gets_one_sentence(address, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        policies.make(address)
    assert "\n" not in str(error.value)


def test_somebody_else_who_listens_there_gets_one_sentence(monkeypatch):
    monkeypatch.setattr("policies.remote_line.CONNECT_S", 0.5)
    with silent(b"220 mail.example ESMTP\r\n") as address:
        with pytest.raises(ValueError, match="who listens there is no policy server"):
            Remote(address)
    with silent(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as address:
        with pytest.raises(ValueError, match="answers with HTTP 404"):
            Remote(address)
    with silent() as address:
        with pytest.raises(ValueError, match="no answer within"):
            Remote(address)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"protocol": 2}, "speaks protocol 2, this client 1"),
    ({"batch": 0}, "describe no policy"),
    ({"policy": "hybrid"}, "describe no policy"),
    ({"image_size": [0, 16]}, "image_size must be"),
    ({"image_size": [10**6, 10**6]}, "image_size must be"),
    ({"plan_length": 0}, "plan_length must be"),
    ({"weights": "stolen"}, "name or weights are missing"),
])
def test_metadata_that_cannot_be_get_one_sentence(change, sentence):
    from policies.remote_spec import metadata_of

    metadata = metadata_of(Diary().spec, 4)
    for name, value in change.items():
        (metadata if name in metadata else metadata["policy"])[name] = value
    with Server(None, metadata).running() as address:
        with pytest.raises(ValueError, match=sentence):
            Remote(address)


@pytest.mark.parametrize(("answer", "sentence"), [
    ({"action": 1}, r"does not keep to protocol 1: no actions \[T, 3\]"),
    ({"actions": PLAN[:1]}, "a plan of 1 rows, where its first had 2"),
    ({"actions": "all"}, r"no actions \[T, 3\]"),
    ("Traceback (most recent call last):\n  File secret.py\nValueError: wrong keys",
     "refused: ValueError: wrong keys$"),
    (b"\xc1", "no message of the protocol"),
    (msgpack.packb([1]), "no map of names"),
])
def test_a_wrong_answer_of_the_server_is_no_error_of_the_policy(answer, sentence):
    answers = [{"actions": PLAN}, answer]
    with Server(lambda observation: answers.pop(0)).running() as address:
        remote = Remote(address)
        with pytest.raises(UnreachableError, match=sentence):
            remote.act([remote.begin("", 0)], [seen(1)])


def test_a_token_is_shown_and_a_wrong_one_named(monkeypatch):
    with served(Diary(), token="0123456789abcdef") as address:
        monkeypatch.setenv("MOBILE_VLA_TOKEN", "0123456789abcdeg")
        with pytest.raises(ValueError, match="another token.*MOBILE_VLA_TOKEN"):
            Remote(address)
        monkeypatch.setenv("MOBILE_VLA_TOKEN", "0123456789abcdef")
        assert Remote(address).spec.name == "remote_diary"
    with served(Diary(), clients=1) as address:
        kept = Remote(address)
        with pytest.raises(ValueError, match="as many clients as it takes"):
            Remote(address)
        assert kept.spec


def test_a_picture_too_large_and_a_lost_connection_are_one_sentence():
    with served(Diary()) as address:
        remote = Remote(address)
        large = {"rgb": np.zeros((512, 512, 3), np.uint8), "velocity": np.zeros(3, np.float32)}
        with pytest.raises(UnreachableError, match="too large for the policy server"):
            remote.act([remote.begin("", 0)], [large])
        with pytest.raises(UnreachableError, match="connection .* was lost|too large"):
            remote.act([remote.begin("", 0)], [large])
        other = Remote(address)
        with pytest.raises(UnreachableError, match=r"refused: .* got \[17, 16, 3\]"):
            other.act([other.begin("", 0)], [large | {"rgb": large["rgb"][:17, :16]}])


def test_without_its_libraries_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("policies.remote.NEEDED", ("msgpack", "no_such_library"))
    with pytest.raises(ValueError, match=r"needs no_such_library.*mobile-vla-bench\[remote\]"):
        policies.make("remote")


def test_a_new_episode_begins_where_the_server_is_back_with_the_same_policy():
    with served(Diary()) as address:
        remote = Remote(address)
        old = remote.begin("go", 0)
        remote.act([old], [seen(0)])
        remote._line._socket.socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(UnreachableError, match="was lost"):
            remote.act([old], [seen(1)])
        action, = remote.act([remote.begin("go", 0)], [seen(0)])
        np.testing.assert_array_equal(action.commands, mixed("go", 0, *(
            (int(each["rgb"].sum()), each["velocity"].tolist()) for each in [seen(0)])))
        with pytest.raises(UnreachableError, match="not kept"):
            remote.act([old], [seen(1)])
    with pytest.raises(UnreachableError):
        remote.act([remote.begin("go", 0)], [seen(0)])
    with pytest.raises(UnreachableError, match="nobody listens there"):
        remote.begin("go", 0)
