"""Whatever strangers say, the server answers with one sentence, and goes on."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import urllib.request

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from policies.wire import WireError, pack, unpack
from tests.hardware.brains import Diary, Moody
from tests.hardware.openpi import Client, packed, picture, unpacked
from tests.hardware.serving import ROOT, command, served

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def address():
    with served(Moody()) as found:
        yield found


@pytest.fixture
def client(address):
    found = Client(address)
    yield found
    assert found.infer(picture(0))["actions"].shape == (1, 3)  # it is answered as before
    found.socket.close()


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/evil",)


def array(kind: str = "|u1", shape=(2,), data: bytes = b"12") -> bytes:
    return msgpack.packb({"observation/image": {
        b"__ndarray__": True, b"data": data, b"dtype": kind, b"shape": shape}})


@pytest.mark.parametrize(("message", "sentence"), [
    (b"\xc1", "no valid msgpack"),
    (b"", "no valid msgpack"),
    (packed({"a": 1})[:-1], "no valid msgpack"),
    (packed({"a": 1}) + b"0", "no valid msgpack"),
    (pickle.dumps(Evil()), "no valid msgpack"),
    (b"\xdd\xff\xff\xff\xff", "no valid msgpack"),
    (b"\x91" * 5000, "no valid msgpack"),
    (msgpack.packb({1: 2}), "no valid msgpack"),
    (msgpack.packb([1]), "must be a map, got list"),
    (msgpack.packb({"a": msgpack.ExtType(4, b"x")}), "extension types may not travel"),
    (array("|O", (1,), pickle.dumps(Evil())), "arrays may be of"),
    (array("|V2", (1,)), "arrays may be of"),
    (array("<c8", (1,), b"12345678"), "arrays may be of"),
    (array(shape=(2**40,)), "has 1099511627776 bytes, got 2"),
    (array(shape=(-1,)), "whole numbers"),
    (array(shape="ab"), "whole numbers"),
    (array(shape=(1,) * 9), "whole numbers"),
    (array(">u1 ,<f8"), "arrays may be of"),
    ("hello", "msgpack, got text"),
    (packed({}), r"observation/image must be \[16, 16, 3\] uint8, got nothing"),
    (packed(picture(0, size=(32, 32))), r"must be \[16, 16, 3\] uint8, got \[32, 32, 3\] uint8"),
    (packed(picture(0) | {"observation/image": np.zeros((16, 16, 3))}), "got .* float64"),
    (packed(picture(0) | {"observation/state": np.zeros(2)}), r"state must be \[3\]"),
    (packed(picture(0) | {"observation/state": np.full(3, np.nan)}), "finite"),
    (packed(picture(0) | {"observation/state": "fast"}), "got str"),
    (packed(picture(0) | {"prompt": None}), "prompt must be text"),
    (packed(picture(0) | {"prompt": 2001 * "a"}), "2001 characters"),
    (packed(picture(0) | {"seed": -1}), "seed must be a whole number"),
    (packed(picture(0, "wrong")), "I do not know"),
    (packed(picture(0, "unspeakable")), "I do not know that word"),
    (packed(picture(0, "bug")), r"its policy failed \(KeyError\)"),
])
def test_a_message_that_is_none_gets_one_sentence_and_no_traceback(client, message, sentence):
    import re

    answer = client.say(message)
    assert isinstance(answer, str)
    assert re.search(sentence, answer), answer
    assert "\n" not in answer
    assert "secret" not in answer
    assert not os.path.exists("/tmp/evil")


@pytest.mark.parametrize(("message", "sentence"), [
    ({"rows": []}, "rows must be a list of 1 to 4, got 0"),
    ({"rows": 5 * [{}]}, "got 5"),
    ({"rows": "all"}, "got str"),
    ({"rows": [1]}, "a row must be a map"),
    ({"rows": [picture(0)]}, "episode must be a whole number"),
    ({"rows": [picture(0) | {"episode": 1, "state": "x"}]}, "state must be a whole number"),
    ({"rows": [picture(0) | {"episode": 1}], "over": 3}, "over must be a list"),
])
def test_wrong_rows_get_one_sentence_with_the_messages_number(client, message, sentence):
    answer = unpacked(client.say(packed(message | {"seq": 9})))
    assert answer["seq"] == 9
    assert sentence in answer["error"]


def test_an_oversized_message_ends_its_own_connection_only(address):
    client, other = Client(address), Client(address)
    with pytest.raises(ConnectionClosed) as closed:
        client.say(bytes(2**20))
    assert closed.value.rcvd.code == 1009
    assert other.infer(picture(0))["actions"].shape == (1, 3)
    other.socket.close()


@pytest.mark.parametrize("token", [None, "fedcba9876543210", TOKEN[:-1], "é"])
def test_a_client_without_the_token_is_sent_away(token):
    with served(Diary(), token=TOKEN) as address:
        with pytest.raises(InvalidStatus) as refused:
            Client(address, token and token.encode().decode("latin-1"))
        assert refused.value.response.status_code == 401
        assert Client(address, TOKEN).infer(picture(0))["actions"].shape == (1, 3)


def test_a_page_in_a_browser_of_this_machine_is_sent_away(address):
    with pytest.raises(InvalidStatus) as refused:
        with connect(address, origin="http://evil.example", proxy=None):
            pass
    assert refused.value.response.status_code == 403


def test_one_client_too_many_is_sent_away_until_one_has_left():
    with served(Diary(), clients=1) as address:
        first = Client(address)
        with pytest.raises(InvalidStatus) as refused:
            Client(address)
        assert refused.value.response.status_code == 503
        first.socket.close()
        Client(address).infer(picture(0))


def test_a_client_that_leaves_in_the_middle_leaves_the_others_alone(address):
    other = Client(address)
    rude = Client(address)
    rude.socket.send(packed(picture(0)))
    rude.socket.socket.close()
    assert other.infer(picture(1))["actions"].shape == (1, 3)
    other.socket.close()


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_bytes_are_content_or_one_sentence(message):
    try:
        unpack(message)
    except WireError as error:
        assert "\n" not in str(error)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**64 - 1) | st.floats(allow_nan=False)
    | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_content_comes_back_as_it_was_sent(content):
    assert unpack(pack(content)) == content


@pytest.mark.parametrize("kind", ["b1", "<i2", ">i4", "u8", "<f2", ">f4", "f8"])
def test_arrays_travel_as_openpi_packs_them_in_both_directions(kind):
    values = np.arange(6).astype(kind).reshape(2, 3)
    for there in (unpack(packed({"a": values}))["a"], unpacked(pack({"a": values}))["a"]):
        np.testing.assert_array_equal(there, values)
        assert there.dtype.newbyteorder("=") == values.dtype.newbyteorder("=")
    assert unpack(packed({"a": values[1, 2]}))["a"] == values[1, 2]


def test_what_is_no_number_cannot_be_sent():
    for value in (object(), np.array([object()]), np.zeros(1, "c8"), {1, 2}):
        with pytest.raises(TypeError, match="cannot travel"):
            pack(value)


def refused(*options: str, **env: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "MOBILE_VLA_TOKEN"}
    done = subprocess.run([sys.executable, "-m", "hardware.serve", *options], cwd=ROOT, text=True,
                          capture_output=True, env=clean | env, timeout=60)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(("options", "sentence"), [
    (("--host", "0.0.0.0"), "lets other machines in: set the environment variable"),
    (("--host", "no.such.host.invalid"), "lets other machines in"),
    (("--policy", "expert"), "'expert' is told the truth"),
    (("--policy", "core_replay"), "'core_replay' is told the label"),
    (("--policy", "hybird"), "Did you mean 'hybrid'"),
    (("--batch", "0"), "--batch must be 1 to"),
    (("--port", "70000"), "--port must be"),
    (("--threads", "0"), "--threads and --clients must be 1 or more"),
])
def test_a_wrong_option_of_the_command_is_one_sentence(options, sentence):
    usual = () if "--policy" in options else ("--policy", "forward")
    assert sentence in refused(*usual, *options)


def test_a_short_token_a_taken_port_and_an_address_that_is_not_ours_are_one_sentence():
    assert "at least 16 characters" in refused("--policy", "stop", MOBILE_VLA_TOKEN="1234")
    assert "cannot listen" in refused("--policy", "stop", "--host", "192.0.2.1",
                                      MOBILE_VLA_TOKEN=TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "cannot listen" in refused("--policy", "stop", "--port", port)


def test_the_command_serves_and_ends_when_it_is_told_to():
    with command("--policy", "forward") as (process, address):
        client = Client(address)
        answer = client.infer(picture(0, size=(224, 224)))
        np.testing.assert_allclose(answer["actions"], [[1.15, 0, 0]], atol=1e-6)
        with urllib.request.urlopen(address.replace("ws", "http") + "/healthz") as health:
            assert health.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        assert "Traceback" not in process.stderr.read()
