"""The guard: it ends what it started, however its asker ends. Servers and commands are small scripts here."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partialmethod
from pathlib import Path

import psutil
import pytest

from durameter.engines.inngest.server import PORT_TAKEN
from durameter.processes.child import Child, ProcessError
from durameter.processes.command import Command
from durameter.processes.server import GuardedProcess, clean_environment
from running import alive, patience, processes_in, servers_in, within

pytestmark = pytest.mark.long


async def start(folder: Path, script: str) -> GuardedProcess:
    argv = ["sh", "-c", script, str(folder)]
    return await GuardedProcess.start("The script", argv, folder=folder, environment=clean_environment(folder))


async def test_a_server_that_ends_is_said_to_with_the_end_of_its_log(tmp_path: Path) -> None:
    server = await start(tmp_path, "echo one; echo two; exit 7")
    assert (
        await server.died() == f"The script ended by itself with status 7. Its log, {server.log}, ends with:\none\ntwo"
    )
    await server.stop()


async def test_what_a_wrapper_script_leaves_behind_is_ended(tmp_path: Path) -> None:
    server = await start(tmp_path, "sleep 1000 & echo started")
    await server.died()
    assert not processes_in(tmp_path)
    await server.stop()


async def test_a_server_that_ignores_sigterm_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Child, "start", partialmethod(Child.start, grace=0.5))
    server = await start(tmp_path / "server", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    while "ready" not in server.log.read_text():
        await asyncio.sleep(0.05)
    await server.stop()
    assert not alive({server.pid})


async def lending(folder: Path, script: str) -> tuple[GuardedProcess, Path, Path]:
    """A server with a folder that is a link: the server, the link, and what it leads to."""
    memory, link = folder / "memory", folder / "server" / "store"
    memory.mkdir()
    link.parent.mkdir()
    link.symlink_to(memory)
    argv, own = ["sh", "-c", script], clean_environment(folder)
    server = await GuardedProcess.start("The script", argv, folder=link.parent, environment=own, lent=[link])
    assert await asyncio.to_thread(within, 10, (link / "rows").exists)
    return server, link, memory


@pytest.mark.parametrize("killed", [False, True])
async def test_what_was_lent_comes_home_when_all_has_ended(tmp_path: Path, *, killed: bool) -> None:
    server, link, memory = await lending(tmp_path, "trap '' TERM; echo kept > store/rows; exec sleep 1000")
    assert link.is_symlink()
    if killed:
        os.kill(server.pid, signal.SIGKILL)
        await server.died()
    await server.stop()
    assert (link.is_symlink(), (link / "rows").read_text(), memory.exists()) == (False, "kept\n", False)


async def test_what_cannot_come_home_is_still_there(tmp_path: Path) -> None:
    server, link, memory = await lending(tmp_path, "echo kept > store/rows; mkdir store.coming; sleep 1000")
    assert await asyncio.to_thread(within, 10, (link.parent / "store.coming").exists)
    await server.stop()
    assert (link.is_symlink(), (memory / "rows").read_text()) == (True, "kept\n")


async def test_a_program_that_cannot_be_started_is_said_not_to(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=r"Nothing cannot be started \(/nowhere\): .*No such file"):
        await GuardedProcess.start("Nothing", ["/nowhere"], folder=tmp_path, environment={})
    assert not processes_in(tmp_path)


async def never() -> bool:
    return False


@pytest.mark.parametrize("says", ["bind: address already in use", "Port conflict, using new port"])
async def test_a_port_that_was_taken_is_no_failure(tmp_path: Path, says: str) -> None:
    for then in ("exit 1", "exec sleep 1000"):
        server = await start(tmp_path, f"echo '{says}'; {then}")
        assert await server.ready(never, port=1, taken=PORT_TAKEN) is False
        assert not processes_in(tmp_path)


async def test_an_earlier_servers_words_are_not_taken_for_this_ones(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("bind: address already in use\n")
    server = await start(tmp_path, "echo something else; exit 1")
    with pytest.raises(ProcessError, match=r"ended at once.*\n.*\nsomething else"):
        await server.ready(never, port=1)


async def test_another_program_that_answers_in_its_place_is_not_taken_for_the_server(tmp_path: Path) -> None:
    """The other dev server of the same kind would answer just as well."""

    async def answers() -> bool:
        return True

    listener = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = await start(tmp_path, "sleep 1; echo address already in use; exec sleep 1000")
    assert await server.ready(answers, port=port) is False
    listener.close()


async def test_waiting_for_it_can_be_cancelled_and_ends_it(tmp_path: Path) -> None:
    server = await start(tmp_path, "exec sleep 1000")
    waiting = asyncio.create_task(server.ready(never, port=1))
    await asyncio.sleep(0.3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not alive({server.pid, server.guard.pid})


ASKER = """
import asyncio, os, signal, sys, time
from pathlib import Path
from durameter.processes.server import GuardedProcess, clean_environment

folder = Path(sys.argv[1])

async def main():
    server = await GuardedProcess.start(
        "The script", ["sleep", "1000"], folder=folder, environment=clean_environment(folder)
    )
    {then}

asyncio.run(main())
"""


def asker(folder: Path, then: str) -> "subprocess.Popen[str]":
    script = ASKER.format(then=textwrap.indent(textwrap.dedent(then), "    ").strip())
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def test_it_ends_with_its_asker_though_a_fork_of_it_holds_the_pipe(tmp_path: Path) -> None:
    """A workload may use multiprocessing: its forks outlive a killed parent, with all that it had open."""
    then = """
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    print(server.pid, flush=True)
    time.sleep(60)
    """
    process = asker(tmp_path / "server", then)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    group = os.getpgid(process.pid)
    try:
        process.kill()
        process.wait()
        assert psutil.pid_exists(pid)
        assert within(3, lambda: not alive({pid}))
    finally:
        os.killpg(group, signal.SIGKILL)
        process.stdout.close()


@pytest.mark.parametrize("then", ["os.kill(os.getpid(), signal.SIGKILL)", "raise SystemExit", "os._exit(3)"])
def test_it_ends_with_its_asker_however_that_ends(tmp_path: Path, then: str) -> None:
    with asker(tmp_path / "server", f"print(server.pid, flush=True)\n{then}") as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.wait(20 * patience())
    assert within(3, lambda: not alive({pid}))
    assert within(3, lambda: not processes_in(tmp_path))


def test_it_stays_when_told_to_until_its_guard_is_ended(tmp_path: Path) -> None:
    then = """
    await server.stay()
    del server
    import gc; gc.collect()
    print(os.getpid())
    """
    with asker(tmp_path / "server", then) as process:
        assert process.wait(20 * patience()) == 0
    assert not within(1, lambda: not processes_in(tmp_path))
    [pid] = servers_in(tmp_path)
    guard = psutil.Process(pid).ppid()
    os.kill(guard, signal.SIGTERM)
    assert within(3, lambda: not alive({pid, guard}))


# Commands


@pytest.fixture
async def commands() -> AsyncIterator[Callable[[str], Command]]:
    """Starts scripts as commands of the user's; nothing is left of them."""
    started: list[Command] = []

    def start(script: str) -> Command:
        started.append(Command.start(["sh", "-c", script], os.environ))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -SEGV $$", -signal.SIGSEGV), ("true", 0)])
async def test_a_commands_status_is_its_own(commands: Callable[[str], Command], script: str, status: int) -> None:
    command = commands(script)
    assert await command.wait() == status
    assert command.left() == []
    command.kill()
    assert command.status == status


async def test_what_a_command_leaves_goes_on_until_it_is_ended(commands: Callable[[str], Command]) -> None:
    command = commands("sleep 1000 &")
    assert await command.wait() == 0
    await asyncio.sleep(0.5)  # its guard has had the time to end it
    [left] = command.left()
    await command.end(0.5)
    assert not alive({left.pid})
    assert command.status == 0


async def test_a_command_that_ignores_every_request_is_ended_by_force(commands: Callable[[str], Command]) -> None:
    command = commands("trap '' INT TERM; while :; do sleep 0.1; done")
    await asyncio.sleep(0.3)
    await command.end(0.4)
    assert command.status == -signal.SIGKILL


def test_a_program_that_is_not_there_is_no_command() -> None:
    with pytest.raises(ProcessError) as caught:
        Command.start(["/nowhere"], os.environ)
    assert caught.value.reason == "No such file or directory"


COMMANDER = """
import os, sys, time
from durameter.processes.command import Command

command = Command.start(["sh", "-c", sys.argv[1], *sys.argv[2:]], os.environ)
while command.status is None:
    time.sleep(0.05)
print(command.status, flush=True)
time.sleep(60)
"""


def commander(script: str, *words: str | Path, before: Sequence[str] = ()) -> "subprocess.Popen[str]":
    argv = [*before, sys.executable, "-c", COMMANDER, script, *map(str, words)]
    return subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_a_killed_asker_leaves_nothing_of_its_command_nor_of_what_that_left(tmp_path: Path) -> None:
    with commander("sh -c 'sleep 1000' $0 & echo left >&2", tmp_path / "known") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        assert processes_in(tmp_path)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert within(5, lambda: not processes_in(tmp_path))


def test_a_command_has_the_askers_input_session_and_dispositions() -> None:
    """It is in the background of the terminal's session, and ignores what its asker ignores, as under `nohup`."""
    script = "read word; echo $word $(ps -o sid= -p $$); kill -HUP $$; echo on"
    with commander(script, before=["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0\n"
        process.kill()
        assert process.stderr.read().split() == ["hello", str(process.pid), "on"]
