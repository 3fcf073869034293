"""Follow a page of the documentation word by word: write its files, run its commands, hold what they print against it.

What is read of a page:

- ```` ```console ```` blocks. A line that begins with `$ ` is a command; a line after it that begins with `> `, or that
  follows a `\\` at a line's end, continues it. All other lines are parts of what it prints, in that order: other lines
  may lie between them, `…` stands for anything within a line, and blanks count as one blank.
- `^C` among these lines: Ctrl-C is pressed once all that stands before it was printed.
- A command that ends with ` &` stays running while the rest is followed, and is stopped at the end.
- A command must end with status 0. The one exception is followed by `$ echo $?`, with its status as the line below.
- Blocks with a file's name, as `title="NAME"` after the language or as a first line `# file: NAME` or `// file: NAME`,
  are written to that file, in the folder that the commands are in at that place.

All other blocks are for reading. `cd` and `export` last from one command to the next.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from running import environment, patience

__all__ = ["Command", "Followed", "PageError", "PageFile", "follow", "read_page"]

_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<language>[\w+-]*)(?P<rest>.*)$")
_TITLE = re.compile(r"""title=(?:"([^"]+)"|'([^']+)'|(\S+))""")
_NAMED = re.compile(r"^(?:#|//) file: (\S+)$")
_INTERRUPT = "^C"
_STATUS = "echo $?"
_STOP_SECONDS = 20.0


class PageError(AssertionError):
    """The page says something else than what happens."""


@dataclass(frozen=True)
class PageFile:
    """A file that the page has its reader write."""

    name: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command of the page, and the lines that it says will be printed."""

    text: str
    expected: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Followed:
    """What a command did."""

    command: Command
    status: int | None
    """None for one that stayed in the background."""
    printed: str
    """Standard output and standard error, as a terminal shows them."""
    seconds: float


def read_page(page: Path) -> list[Command | PageFile]:
    """The files and commands of a page, in order.

    Raises:
        PageError: a block does not end, or a `console` block begins with something else than a command.
    """
    found: list[Command | PageFile] = []
    lines = page.read_text().splitlines()
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        at += 1
        if fence is None:
            continue
        begin = at
        while at < len(lines) and lines[at].strip() != fence["ticks"]:
            at += 1
        if at == len(lines):
            raise PageError(f"{page.name}:{begin}: this block does not end.")
        block = lines[begin:at]
        at += 1
        name = _name(fence["rest"], block)
        if fence["language"] == "console":
            found += _commands(page, block, begin + 1)
        elif name:
            found.append(PageFile(name, "\n".join(block) + "\n", begin + 1))
    return found


def _name(rest: str, block: Sequence[str]) -> str:
    """Which file a block is, or an empty string."""
    found = _TITLE.search(rest) or (_NAMED.match(block[0]) if block else None)
    return next((each for each in found.groups() if each), "") if found else ""


def _commands(page: Path, block: Sequence[str], first: int) -> list[Command]:
    commands: list[Command] = []
    continued = False
    for number, line in enumerate(block, first):
        if line.startswith("$ "):
            commands.append(Command(line[2:], (), number))
        elif not commands:
            raise PageError(
                f"{page.name}:{number}: a console block begins with a command, a line that begins with `$ `."
            )
        elif continued or line.startswith("> "):
            last = commands[-1]
            text = f"{last.text}\n{line.removeprefix('> ')}"
            commands[-1] = Command(text, last.expected, last.line)
        elif line.strip():
            last = commands[-1]
            commands[-1] = Command(last.text, (*last.expected, line.strip()), last.line)
            continue
        continued = commands[-1].text.endswith("\\") and not commands[-1].expected
    return commands


def follow(
    page: Path,
    folder: Path,
    *,
    path: Path | None = None,
    instead: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float = 240,
) -> list[Followed]:
    """Do what a page says, in a folder of its own.

    Args:
        page: the Markdown file.
        folder: where its reader is; made if it is not there.
        path: a folder that comes first on PATH; that of this Python unless another is given.
        instead: part of a command → what is run for it, for what a test cannot do as it stands, or what another
            test does. Each must occur.
        variables: set beside this process's own, of which settings of Durameter and the engines are left out.
        seconds: that one command may take.

    Returns:
        What each command did.

    Raises:
        PageError: a command ends with another status, does not print what the page says, or does not end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    instead = dict(instead or {})
    reader = _Reader(page, folder, path or Path(sys.executable).parent, variables or {}, seconds)
    steps = read_page(page)
    if missing := [part for part in instead if not any(isinstance(s, Command) and part in s.text for s in steps)]:
        raise PageError(f"{page.name}: no command has {missing[0]!r}.")
    try:
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            if isinstance(step, PageFile):
                reader.write(step)
                continue
            text = step.text
            for part, other in instead.items():
                text = text.replace(part, other)
            asked = isinstance(after, Command) and after.text == _STATUS
            reader.run(step, text, any_status=asked)
    finally:
        reader.leave()
    return reader.followed


@dataclass
class _Reader:
    """Somebody who sits at a shell and does what a page says."""

    page: Path
    folder: Path
    path: Path
    variables: Mapping[str, str]
    seconds: float
    followed: list[Followed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shell = self.folder / ".followed"
        self._shell.mkdir()
        self._state, self._where = self._shell / "state", self._shell / "where"
        self._state.write_text("")
        self._where.write_text(f"{self.folder}\n")
        self._last = 0
        self._background: list[subprocess.Popen[bytes]] = []
        shown = {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUNBUFFERED": "1"}
        self._environment = environment(self._shell / "servers") | shown | dict(self.variables)
        self._environment["PATH"] = f"{self.path}{os.pathsep}{os.environ['PATH']}"
        self._environment.pop("VIRTUAL_ENV", None)

    def write(self, file: PageFile) -> None:
        """Write a file where the shell is."""
        target = Path(self._where.read_text().rstrip("\n")) / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text)

    def run(self, command: Command, text: str, *, any_status: bool) -> None:
        """Run a command, wait for its end unless it is one for the background, and compare."""
        background = text.endswith(" &")
        began = time.monotonic()
        number = len(self.followed)
        log, script = self._shell / f"{number}.log", self._shell / f"{number}.sh"
        # The state of the shell, and the status of the command before for `echo $?`; then the command as it stands.
        before = f'. "{self._state}"\ncd "$(cat "{self._where}")"\n(exit {self._last})\n'
        after = f'\nstatus=$?\nexport -p > "{self._state}"\npwd > "{self._where}"\nexit $status\n'
        script.write_text(before + (f"exec {text[:-2]}\n" if background else text + after))
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", str(script)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._background.append(process)
        if _INTERRUPT in command.expected or background:
            waited = _until_interrupt(command.expected)
            while (missing := _missing(waited, log.read_text(errors="replace"))) and process.poll() is None:
                if time.monotonic() - began > self.seconds * patience():
                    raise self._wrong(command, log, f"did not print {missing!r} within {self.seconds:g} s")
                time.sleep(0.1)
        if _INTERRUPT in command.expected and process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        status = None if background else self._status(process, command, log, began)
        printed = log.read_text(errors="replace")
        self.followed.append(Followed(command, status, printed, time.monotonic() - began))
        if missing := _missing([line for line in command.expected if line != _INTERRUPT], printed):
            raise self._wrong(command, log, f"did not print {missing!r}")
        if status and not any_status:
            raise self._wrong(command, log, f"ended with status {status}")
        self._last = status or 0

    def _status(self, process: "subprocess.Popen[bytes]", command: Command, log: Path, began: float) -> int:
        try:
            status = process.wait(max(self.seconds * patience() - (time.monotonic() - began), 1))
        except subprocess.TimeoutExpired:
            raise self._wrong(command, log, f"did not end within {self.seconds:g} s") from None
        return 128 - status if status < 0 else status

    def _wrong(self, command: Command, log: Path, what: str) -> PageError:
        printed = log.read_text(errors="replace")
        return PageError(f"{self.page.name}:{command.line}: `{command.text}` {what}. It printed:\n{printed}")

    def leave(self) -> None:
        """Stop what still runs."""
        going = [each for each in self._background if each.poll() is None]
        for sign in (signal.SIGINT, signal.SIGKILL):
            for process in going:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, sign)
            deadline = time.monotonic() + _STOP_SECONDS
            for process in going:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0.1))


def _until_interrupt(expected: Sequence[str]) -> list[str]:
    lines = list(expected)
    return lines[: lines.index(_INTERRUPT)] if _INTERRUPT in lines else lines


def _missing(expected: Sequence[str], printed: str) -> str:
    """The first expected line that was not printed after those before it, or an empty string."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    at = 0
    for each in expected:
        parts = (re.escape(" ".join(part.split())) for part in each.split("…"))
        pattern = re.compile(r"\s*.*?\s*".join(parts))
        while at < len(lines) and not pattern.fullmatch(lines[at]):
            at += 1
        if at == len(lines) and each.strip("… "):
            return each
        at += bool(each.strip("… "))  # `…` alone is any number of lines, also none
    return ""
