"""What a process is told from outside: every slip of the pen gets one clear sentence."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from api import cli, serving
from api.serving import listen
from api.settings import HttpSettings, http_settings, refuse_unknown_settings
from dispatch.errors import BadInput
from dispatch.store.store import open_store
from dispatch.wording import LANGUAGES

type Heard = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def _left_as_it_was() -> Iterator[None]:
    """Commands set up logging and signals, as a process of their own may."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    structlog.reset_defaults()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def noriai(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Heard:
    """Run the command in this process: its exit code, and what it complained of."""

    def run(*words: str, language: str = "en") -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["noriai", *words])
        monkeypatch.setenv("LC_ALL", language)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), capsys.readouterr().err.strip()

    return run


# --- the environment ----------------------------------------------------------------------------


def test_what_is_not_said_is_taken_from_the_defaults() -> None:
    assert http_settings({"HOME": "/root", "NORIAI_TOWN": "kimotsuki"}) == HttpSettings()


def test_settings_are_read_by_their_names() -> None:
    settings = http_settings({"NORIAI_METRICS": "token", "NORIAI_SLOW_MILLISECONDS": "250"})
    assert settings == HttpSettings(metrics="token", slow_milliseconds=250)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NORIAI_METRICS", "all"),
        ("NORIAI_METRICS", ""),
        ("NORIAI_SLOW_MILLISECONDS", "1 s"),
        ("NORIAI_SLOW_MILLISECONDS", "-1"),
        ("NORIAI_READS_PER_MINUTE", "１００"),
        ("NORIAI_READS_PER_MINUTE", "1" * 30),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(variable: str, value: str) -> None:
    with pytest.raises(BadInput) as raised:
        http_settings({variable: value})
    assert (raised.value.code, raised.value.facts["field"]) == ("field_wrong", variable)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("NORIAI_DATABSE", "NORIAI_DATABASE"),
        ("NORIAI_METRIC", "NORIAI_METRICS"),
        ("NORIAI_READS_PER_MINUT", "NORIAI_READS_PER_MINUTE"),
        ("NORIAI_TOWN_", "NORIAI_TOWN"),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["worker"], ["token"], ["backup"], ["warm"]])
def test_a_slip_of_the_pen_is_refused_with_what_was_meant(
    slip: str, meant: str, command: list[str], noriai: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(slip, "x")

    code, said = noriai(*command, *(["--out", "."] if command == ["backup"] else []))

    assert code == 2
    assert said == f"There is no setting “{slip}”. Did you mean “{meant}”?"


def test_the_settings_of_tests_and_containers_are_known() -> None:
    refuse_unknown_settings({"NORIAI_SOAK": "1", "NORIAI_DATA": ".", "NORIAI_DB_PASSWORD": "x"})


# --- what is not there ---------------------------------------------------------------------------


def no_traceback_and_one_line(said: str) -> bool:
    return "Traceback" not in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("database", "named"),
    [
        ("postgresql://postgres@127.0.0.1:1/town", "127.0.0.1:1/town"),
        ("postgresql://clerk:geheim@nowhere.invalid/town", "nowhere.invalid"),
        ("sqlite:///{folder}", "{folder}"),
        ("sqlite:///{folder}/no/town.sqlite", "no such folder"),
        ("sqlite:///{folder}/letter.txt", "not a database"),
        ("mysql://localhost/town", "mysql"),
        ("town", "not a database address"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [["serve", "--port", "0"], ["worker"], ["token", "--role", "admin"], ["backup", "--out", "."]],
    ids=lambda command: command[0],
)
def test_a_database_that_is_not_there_is_one_clear_sentence(
    command: list[str],
    database: str,
    named: str,
    language: str,
    noriai: Heard,
    tmp_path: Path,
) -> None:
    (tmp_path / "letter.txt").write_bytes(b"letter " * 2000)

    code, said = noriai(*command, "--database", database.format(folder=tmp_path), language=language)

    assert code == 2
    assert no_traceback_and_one_line(said)
    assert "geheim" not in said
    if command[0] != "backup":
        assert named.format(folder=tmp_path) in said


def test_a_database_that_may_not_be_written_to_is_refused_at_once(
    noriai: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'town.sqlite'}"
    open_store(database).close()
    monkeypatch.setattr("os.access", lambda *_: False)

    code, said = noriai("serve", "--port", "0", "--database", database)

    assert (code, "may not be written" in said) == (2, True)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_town_that_is_not_there_is_one_clear_sentence(
    command: str, noriai: Heard, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'town.sqlite'}"

    code, said = noriai(command, "--town", "atlantis", "--database", database)

    assert (code, no_traceback_and_one_line(said)) == (2, True)
    assert "atlantis" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_an_address_of_redis_that_is_none_is_refused(
    command: str, noriai: Heard, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'town.sqlite'}"
    arguments = ["--port", "0"] if command == "serve" else []

    code, said = noriai(command, *arguments, "--database", database, "--redis", "nonsense")

    assert (code, no_traceback_and_one_line(said)) == (2, True)
    assert "redis://" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_port_in_use_is_one_clear_sentence(language: str, noriai: Heard, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'town.sqlite'}"
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        web = noriai("serve", "--port", port, "--database", database, language=language)
        worker = noriai("worker", "--metrics-port", port, "--database", database, language=language)

    for code, said in (web, worker):
        assert code == 2
        assert port in said
        assert no_traceback_and_one_line(said)


def test_a_heartbeat_that_cannot_be_written_is_one_clear_sentence(
    noriai: Heard, tmp_path: Path
) -> None:
    code, said = noriai("worker", "--heartbeat", str(tmp_path / "no" / "heartbeat"))

    assert (code, no_traceback_and_one_line(said)) == (2, True)
    assert "heartbeat" in said


def test_a_worker_goes_on_without_the_redis_it_was_told_of(tmp_path: Path) -> None:
    settings = serving.ServiceSettings(
        "kimotsuki", f"sqlite:///{tmp_path / 'town.sqlite'}", "redis://127.0.0.1:1/0"
    )
    heartbeat = tmp_path / "heartbeat"

    serving.work(settings, heartbeat, rounds=1)

    assert heartbeat.exists()
