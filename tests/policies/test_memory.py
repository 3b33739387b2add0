"""Room is asked for before it is taken."""

import pytest

from policies import memory


@pytest.fixture
def machine(monkeypatch):
    """A machine whose system files say what a test wants; returns what to set."""
    files = {"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 4194304 kB\n"}
    monkeypatch.setattr(memory, "_read", lambda path: files.get(path, ""))
    return files


def test_loading_counts_model_file_and_a_tenth_of_room():
    # 1,000 million numbers of 4 bytes, beside a file of 2,000 million bytes
    assert memory.load_bytes(10**9, "fp32", 2 * 10**9) == pytest.approx(6.6e9)
    assert memory.load_bytes(10**9, "bf16") == pytest.approx(2.268e9, rel=1e-3)  # 256 MiB at least


def test_an_unknown_dtype_is_refused():
    with pytest.raises(ValueError, match="dtype must be one of fp32, bf16, fp16, got 'fp8'"):
        memory.load_bytes(1, "fp8")


def test_what_the_kernel_could_give_is_free(machine):
    assert memory.free_bytes() == 4 * memory.GIB


@pytest.mark.parametrize("version", [0, 1])
def test_a_containers_limit_counts_where_it_is_lower(machine, version):
    limit, used = memory.CGROUPS[version]
    machine.update({limit: "3000000000\n", used: "1000000000\n"})
    assert memory.free_bytes() == 2 * 10**9
    machine[limit] = "max\n"
    assert memory.free_bytes() == 4 * memory.GIB


def test_too_little_memory_is_said_with_what_helps(machine):
    memory.require(4 * memory.GIB, "Kosmos-2")
    said = (r"Kosmos-2 needs about 4\.5 GiB of memory on cpu, of which 4\.0 GiB are free: use "
            r"--size mini or half precision")
    with pytest.raises(ValueError, match=said):
        memory.require(int(4.5 * memory.GIB), "Kosmos-2")


def test_a_system_that_does_not_say_is_trusted(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    memory.require(10**15, "anything")


def test_a_folders_weights_are_summed(tmp_path):
    (tmp_path / "towers").mkdir()
    (tmp_path / "head.safetensors").write_bytes(b"x" * 10)
    (tmp_path / "towers" / "a.safetensors").write_bytes(b"x" * 20)
    (tmp_path / "config.json").write_bytes(b"x" * 40)
    assert memory.folder_bytes(tmp_path) == 30
    assert memory.folder_bytes(tmp_path / "head.safetensors") == 10


@pytest.mark.parametrize(("count", "words"), [
    (12, "12 bytes"), (2048, "2.0 KiB"), (5 * 2**20, "5.0 MiB"), (7_131_794_456, "6.6 GiB"),
])
def test_bytes_are_told_in_words(count, words):
    assert memory.in_words(count) == words
