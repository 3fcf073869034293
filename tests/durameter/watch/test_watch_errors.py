"""What a newcomer can do wrong with door 1 on Temporal: each has a message that says what to do."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from watching import watch

from durameter.cli.main import app
from durameter.engines.base import RunningServer
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.server import connect, register
from durameter.errors import DurameterError, UsageError
from durameter.results.folder import read_result
from running import run

AGENT = (sys.executable, str(Path(__file__).with_name("small_agent.py")))
FREE = "--no-usual-ports"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "Give the command after two hyphens"),
        (["--for", "60s", "--attach", "127.0.0.1:7233"], 2, "--since, --until"),
        (["--engine", "restate", "--", "true"], 2, "There are: temporal, inngest"),
        (["--", "no-such-program"], 2, "there is no program 'no-such-program' on the PATH"),
        (["--", "./agent.py"], 2, "there is no program './agent.py'."),
        (["--for", "soon", "--", "true"], 2, "'soon' is not a time. Write it as 60s, 5m"),
        (["--task-key", "order", "--", "true"], 2, "is not KIND:VALUE. For temporal: id:"),
        (["--task-key", "event:data.id", "--", "true"], 2, "--task-key event:... is for inngest"),
        (["--task-key", "id:(", "--", "true"], 2, "is not a regular expression"),
        (["--engine", "inngest", "--task-key", "memo:x", "--", "true"], 2, "--task-key memo:... is for temporal"),
        (["--since", "2h", "--", "true"], 2, "name it by --attach"),
        (["--app", "http://localhost:3000", "--", "true"], 2, "use --engine inngest"),
        (["--attach", "localhost:7233"], 2, "say what to count: --since and --until"),
        (["--attach", "localhost", "--since", "2h"], 2, "--attach: 'localhost' is not host:port"),
        (["--attach", "x:1", "--since", "yesterday"], 2, "neither a time ago (2h) nor a date"),
        (["--attach", "a.b.tmprl.cloud:7233", "--since", "2h"], 3, "set DURAMETER_TEMPORAL_API_KEY, or tls_cert"),
    ],
)
def test_what_is_wrong_before_anything_runs(
    words: list[str], status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["watch", *words]).exception
    assert isinstance(error, DurameterError)
    assert (error.exit_code, said in str(error)) == (status, True), str(error)
    assert not list(tmp_path.iterdir()), "nothing was begun"


def test_a_regional_endpoint_needs_a_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURAMETER_TEMPORAL_API_KEY", "secret-key")
    words = ("--attach", "us-east-1.aws.api.temporal.io:7233", "--since", "2h")
    error = CliRunner().invoke(app, ["watch", *words]).exception
    assert isinstance(error, UsageError)
    assert "DURAMETER_TEMPORAL_NAMESPACE=name.account" in str(error)
    assert "secret-key" not in str(error)


@pytest.mark.servers
def test_a_namespace_that_is_not_there(temporal_server: RunningServer, tmp_path: Path) -> None:
    words = ("--attach", temporal_server.info.address, "--since", "2h")
    done = watch(tmp_path, *words, DURAMETER_TEMPORAL_NAMESPACE="nowhere")
    assert done.status == 3, done.errors
    assert "Is its namespace 'nowhere'" in done.errors


@pytest.mark.servers
def test_a_query_that_is_none(empty: tuple[str, str], tmp_path: Path) -> None:
    address, namespace = empty
    done = watch(tmp_path, "--attach", address, "--query", "Order", DURAMETER_TEMPORAL_NAMESPACE=namespace)
    assert done.status == 2, done.errors
    assert "--query 'Order' is no list filter" in done.errors


def test_nobody_answers(tmp_path: Path) -> None:
    """As the whole command line says it."""
    ended = run("watch", "--attach", "127.0.0.1:9", "--since", "2h", cwd=tmp_path)
    assert ended.status == 3
    assert "No Temporal server answers at 127.0.0.1:9" in ended.err
    assert "Traceback" not in ended.err
    assert not ended.out


@pytest.fixture(scope="module")
async def empty(temporal_server: RunningServer) -> tuple[str, str]:
    """The address of a server, and a namespace in which nothing is."""
    client = await connect(TemporalConfig(), temporal_server.info.address, "watched-errors")
    await register(client, "watched-errors")
    return temporal_server.info.address, client.namespace


@pytest.mark.servers
@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        (
            ["true"],
            [],
            "the command never connected to the server. It should connect to the address in TEMPORAL_ADDRESS",
        ),
        (["false"], [], "The command failed: it ended with status 1; its output is above. No task was found"),
        ([*AGENT, "wait_for_work"], ["--for", "4s"], "A worker alone starts none: run what starts them as well"),
        (
            [*AGENT, "three"],
            ["--task-key", "id:^(order-.*)"],
            "--task-key id:^(order-.*) fits none of the 3 tasks, such as 'talk-0', 'talk-1', 'talk-2'",
        ),
        (
            [],
            ["--query", "WorkflowType = 'Nobody'"],
            "Widen --since and --until, or see what is there: temporal workflow",
        ),
    ],
)
def test_nothing_is_found(
    command: list[str], words: list[str], said: str, empty: tuple[str, str], tmp_path: Path
) -> None:
    address, namespace = empty
    done = watch(tmp_path, FREE, "--attach", address, *words, command=command, DURAMETER_TEMPORAL_NAMESPACE=namespace)
    assert done.status == 2, done.errors
    assert said in done.errors
    assert done.errors.count(said) == 1, "once"
    assert not done.output
    kept = read_result(done.folder).measurement
    assert (kept.state, kept.engines[0].state) == ("incomplete", "interrupted")
    assert said in kept.engines[0].problem


@pytest.mark.servers
def test_a_worker_that_never_started_is_named(empty: tuple[str, str], tmp_path: Path) -> None:
    """The start is counted: it is billed whether anybody works on it or not."""
    address, namespace = empty
    done = watch(
        tmp_path, FREE, "--attach", address, command=[*AGENT, "start_only"], DURAMETER_TEMPORAL_NAMESPACE=namespace
    )
    assert done.status == 1, done.errors
    (task,) = done.engine.tasks
    assert task.units == 1
    assert task.state == "interrupted"
    assert "no worker ever took it from the task queue 'a-queue-without-a-worker'" in task.error


@pytest.mark.servers
def test_a_command_that_fails_is_counted_and_said(empty: tuple[str, str], tmp_path: Path) -> None:
    address, namespace = empty
    command = ["sh", "-c", f"{sys.executable} {AGENT[1]} three; exit 7"]
    done = watch(tmp_path, FREE, "--attach", address, command=command, DURAMETER_TEMPORAL_NAMESPACE=namespace)
    assert done.status == 1, done.errors
    assert "the command failed: it ended with status 7. What it did until then is counted" in done.errors
    assert [task.units for task in done.engine.tasks] == [1, 1, 1]
