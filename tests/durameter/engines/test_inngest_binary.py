"""Where the Inngest program comes from. `npm` and `go` are small scripts here; CI makes it for real."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import psutil
import pytest

from durameter.engines.inngest import binary as inngest_binary
from durameter.engines.inngest.binary import (
    RECIPES,
    InngestBinary,
    _go,
    _npm,
    could_build,
    ensure,
    find,
    options_of,
)
from durameter.errors import EngineMissingError
from durameter.processes import run_program
from running import patience

pytestmark = pytest.mark.long

SERVER = '#!/bin/sh\n[ "$1" = version ] && echo "{says}"\n'

# Notes its environment and its process id, then does what npm does: unpack the package with the program in it.
NPM = """#!/bin/sh
[ "$1" = --version ] && {{ echo 11.0.0; exit; }}
echo npm >> "$FAKES/calls"; echo $$ > "$FAKES/npm.pid"; env > "$FAKES/npm.env"
cp package.json package-lock.json "$FAKES"
{body}
"""
NPM_FAILS = """
echo "npm warn something" >&2; echo "npm error code 1" >&2
echo "npm error FetchError: getaddrinfo ENOTFOUND the-vendor" >&2; exit 1
"""
NPM_WORKS = """
mkdir -p node_modules/inngest-cli/bin "$npm_config_cache"
printf '#!/bin/sh\\necho 1.44.0-0123abc\\n' > node_modules/inngest-cli/bin/inngest
chmod +x node_modules/inngest-cli/bin/inngest
"""

GO = """#!/bin/sh
case "$1 $2" in
  "version ") echo "go version {version} linux/amd64" ;;
  "env GOTOOLCHAIN") echo "${{GOTOOLCHAIN:-local}}" ;;
  "env GOVERSION") echo "{version}" ;;
  "mod vendor")
    env > "$FAKES/vendor.env"; cp go.mod go.sum "$FAKES"; mkdir -p "$GOMODCACHE/a" "$GOCACHE" vendor
    touch "$GOMODCACHE/a/b"; chmod 500 "$GOMODCACHE/a"
    echo "go: downloading example.org/a v1.0.0" >&2
    echo "go: resolving embeds in github.com/inngest/inngest/internal/embeddocs: no matching files found" >&2
    {vendor} ;;
  "build -v")
    echo go >> "$FAKES/calls"; echo $$ > "$FAKES/go.pid"; env > "$FAKES/build.env"
    cat vendor/github.com/inngest/inngest/internal/embeddocs/website/pages/docs/* > "$FAKES/pages" || exit 9
    while [ "$1" != -o ]; do shift; done
    {build} ;;
  *) echo "unexpected: go $*" >&2; exit 8 ;;
esac
"""
GO_WORKS = """printf '#!/bin/sh\\necho dev-\\n' > "$2"; chmod +x "$2" """


@dataclass
class Machine:
    """A PATH of its own, an empty cache, and the notes that the fakes take."""

    bin: Path
    fakes: Path
    cache: Path
    folder: Path
    lines: list[str]

    def program(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def server(self, says: str, name: str = "inngest") -> Path:
        return self.program(name, SERVER.format(says=says))

    def npm(self, body: str = NPM_FAILS) -> None:
        self.program("npm", NPM.format(body=body))

    def go(self, *, version: str = "go1.26.8", vendor: str = "", build: str = GO_WORKS) -> None:
        self.program("go", GO.format(version=version, vendor=vendor, build=build))

    def ensure(self, version: str = "") -> InngestBinary:
        return ensure(None, self.cache, self.lines.append, version=version)

    def find(self, configured: Path | None = None) -> InngestBinary:
        found, _reasons = find(configured, self.cache)
        assert found is not None
        return found

    @property
    def cached(self) -> Path:
        return next(iter(self.cache.rglob("inngest.json"))).with_name("inngest")

    def calls(self) -> list[str]:
        notes = self.fakes / "calls"
        return notes.read_text().split() if notes.exists() else []

    def environment(self, of: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.fakes / of).read_text().splitlines() if "=" in line)

    def left(self) -> set[str]:
        """What is in the cache, as names of files."""
        return {path.name for path in self.cache.rglob("*") if path.is_file()} - {".lock"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    names = ("bin", "fakes", "tools")
    for name in names:
        (tmp_path / name).mkdir()
    for tool in ("cat", "chmod", "cp", "env", "mkdir", "sh", "sleep", "touch"):
        real = shutil.which(tool)
        assert real
        (tmp_path / "tools" / tool).symlink_to(real)
    # The fakes' tools, and no real npm, go or inngest of this machine.
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{tmp_path / 'tools'}")
    monkeypatch.setenv("FAKES", str(tmp_path / "fakes"))
    for name in ("GOTOOLCHAIN", "GOFLAGS", "GOPROXY"):
        monkeypatch.delenv(name, raising=False)
    return Machine(tmp_path / "bin", tmp_path / "fakes", tmp_path / "cache", tmp_path, [])


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds * patience(), "this did not happen in time"
        time.sleep(0.05)


def alive(pid_file: Path) -> bool:
    pid = int(pid_file.read_text())
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


# 1. A configured path


@pytest.mark.parametrize(
    ("says", "tested"),
    [
        ("1.44.0-0123abcd", True),
        ("v1.44.0", True),
        ("1.44.0-beta.1-0123abcd", False),
        ("1.45.1-0123abcd", False),
        ("dev-", False),
    ],
)
def test_configured_program_is_used_before_all_others(machine: Machine, says: str, tested: bool) -> None:
    machine.server("1.44.0-0123abcd")
    chosen = machine.server(says, "mine")
    found = machine.find(chosen)
    assert (found.path, found.version, found.origin, found.tested) == (chosen, says, "configured", tested)
    assert bool(found.note) is not tested
    assert ensure(chosen, machine.cache, machine.lines.append) == found


def test_relative_configured_path_is_made_absolute(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.server("dev-", "mine")
    monkeypatch.chdir(machine.bin)
    assert machine.find(Path("mine")).path == machine.bin / "mine"


@pytest.mark.parametrize("text", [None, "#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n", "not a program"])
def test_broken_configured_program_is_an_error_that_names_it(machine: Machine, text: str | None) -> None:
    machine.server("1.44.0-0123abcd")
    machine.go()
    path = machine.bin / "mine"
    if text is not None:
        machine.program("mine", text)
    for call in (lambda: find(path, machine.cache), lambda: ensure(path, machine.cache, machine.lines.append)):
        with pytest.raises(EngineMissingError, match="DURAMETER_INNGEST_BINARY") as caught:
            call()
        assert str(path) in str(caught.value)
    assert machine.calls() == []


def test_program_that_never_answers_is_given_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_program, "ASK_SECONDS", 0.5)
    hangs = machine.program("mine", '#!/bin/sh\necho $$ > "$0.pid"\nsleep 60\n')
    with pytest.raises(EngineMissingError, match=r"no answer in 0\.5 s"):
        find(hangs, machine.cache)
    assert not alive(machine.bin / "mine.pid")


# 2. The PATH


def test_path_is_searched_for_both_names(machine: Machine) -> None:
    cli = machine.server("1.44.0-0123abc", "inngest-cli")
    assert machine.find().path == cli
    first = machine.server("1.43.0-0123abc")
    found = machine.find()
    assert (found.path, found.origin, found.version, found.tested) == (first, "path", "1.43.0-0123abc", False)
    assert "1.44.0" in found.note


def test_broken_program_on_the_path_is_skipped_and_reported(machine: Machine) -> None:
    broken = machine.program("inngest", "#!/bin/sh\necho 'Error: binary not found.' >&2\nexit 1\n")
    found, reasons = find(None, machine.cache)
    assert found is None
    configuration, path, cache = reasons
    assert "DURAMETER_INNGEST_BINARY" in configuration
    assert str(broken) in path
    assert "Error: binary not found." in path
    assert "no `inngest-cli`" in path
    assert str(machine.cache) in cache


def test_version_is_asked_without_the_users_settings(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "1")
    monkeypatch.setenv("HOME", str(machine.folder))
    machine.program("inngest", f'#!/bin/sh\nenv > "{machine.fakes}/server.env"; echo 1.44.0-0123abc\n')
    machine.find()
    seen = machine.environment("server.env")
    assert "INNGEST_DEV" not in seen
    assert seen["HOME"] != str(machine.folder)
    assert seen["DO_NOT_TRACK"] == "1"


# 3. The cache


def test_what_was_made_is_taken_from_the_cache_next_time(machine: Machine) -> None:
    machine.go()
    made = machine.ensure()
    again = machine.ensure()
    assert (made.origin, again.origin) == ("go", "cache")
    assert again.path == made.path
    # A build from source only says `dev-`; the record beside it knows better.
    assert again.version == "1.44.0"
    assert again.tested
    assert "go1.26.8" in again.note
    assert machine.calls() == ["go"]
    assert made.path.parts[-4:-2] == ("inngest", "1.44.0")


@pytest.mark.parametrize("damage", ["cut", "no record", "bad record", "other version", "no program"])
def test_damaged_cache_is_never_taken_but_made_again(machine: Machine, damage: str) -> None:
    machine.go()
    machine.ensure()
    program = machine.cached
    record = program.with_name("inngest.json")
    if damage == "cut":
        program.write_bytes(program.read_bytes()[:-1])
    elif damage == "no record":
        record.unlink()
    elif damage == "bad record":
        record.write_text(record.read_text()[:-20])
    elif damage == "other version":
        record.write_text(record.read_text().replace("1.44.0", "1.43.0"))
    else:
        program.unlink()
    found, reasons = find(None, machine.cache)
    assert found is None
    assert str(program) in reasons[2]
    assert machine.ensure().origin == "go"
    assert machine.find().origin == "cache"


# 4. npm


def test_npm_comes_before_go_and_leaves_only_the_program(machine: Machine) -> None:
    machine.npm(NPM_WORKS)
    machine.go()
    made = machine.ensure()
    assert (made.origin, made.version, made.tested) == ("npm", "1.44.0", True)
    assert machine.calls() == ["npm"]
    assert machine.left() == {"inngest", "inngest.json"}
    assert machine.environment("npm.env")["npm_config_cache"].startswith(str(machine.cache))
    assert json.loads((machine.fakes / "package.json").read_text())["dependencies"] == {"inngest-cli": "1.44.0"}


def test_npm_that_fails_is_followed_by_go(machine: Machine) -> None:
    machine.npm()
    machine.go()
    assert machine.ensure().origin == "go"
    assert machine.calls() == ["npm", "go"]
    assert not any("ENOTFOUND" in line for line in machine.lines)


def test_npm_program_of_another_version_is_not_taken(machine: Machine) -> None:
    machine.npm(NPM_WORKS.replace("1.44.0", "1.45.1"))
    with pytest.raises(EngineMissingError, match=r"npm: .*1\.45\.1"):
        machine.ensure()
    assert machine.left() == set()


def test_npm_that_hangs_is_ended(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_npm, "LIMIT_SECONDS", 0.5)
    machine.npm("sleep 60")
    machine.go()
    assert machine.ensure().origin == "go"
    assert not alive(machine.fakes / "npm.pid")


# 5. Go


def test_go_builds_the_pinned_module_with_the_users_settings(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    monkeypatch.setenv("GOFLAGS", "-x")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    monkeypatch.setenv("GOOS", "plan9")
    machine.go()
    machine.ensure()
    for of in ("vendor.env", "build.env"):
        seen = machine.environment(of)
        assert (seen["GOPROXY"], seen["GOFLAGS"], seen["GOTOOLCHAIN"]) == ("https://proxy.example", "-x", "auto")
        assert (seen["CGO_ENABLED"], seen["GOWORK"]) == ("0", "off")
        assert seen["GOOS"] == sys.platform
        for name in ("GOPATH", "GOMODCACHE", "GOCACHE", "GOTMPDIR"):
            assert seen[name].startswith(str(machine.cache))
    assert "github.com/inngest/inngest v1.44.0" in (machine.fakes / "go.mod").read_text()
    # The one file that the vendored package needs to be built.
    assert (machine.fakes / "pages").read_text()
    assert machine.left() == {"inngest", "inngest.json"}
    assert [path.name for path in machine.cached.parent.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("version", "toolchain", "good"),
    [
        ("go1.26.3", "local", False),
        ("go1.26.4", "local", True),
        ("go1.26.8 X:nodwarf5", "local", True),
        ("go1.27.0", "auto", False),
        ("devel go1.27-0123abc", "local", False),
        ("go1.25.1", "local", False),
        ("go1.25.1", "auto", True),  # it fetches 1.26.4 by itself
        ("go1.25.1", "go1.25.1+auto", True),
        ("go1.20.3", "auto", False),  # from before that was possible
        ("go1.25.1", "go1.26.5", True),
        ("go1.26.8", "go1.27.1", False),
        ("go1.26.8", "go1.25.1", False),
        ("nonsense", "local", False),
    ],
)
def test_which_go_will_do(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, version: str, toolchain: str, good: bool
) -> None:
    monkeypatch.setenv("GOTOOLCHAIN", toolchain)
    machine.go(version=version)
    npm, go = could_build()
    assert npm.startswith("npm: not usable: no `npm` on the PATH")
    assert go.startswith("go: ok: " if good else "go: not usable: ")
    assert "1.26.4 or newer, and older than 1.27" in go
    if not good:
        with pytest.raises(EngineMissingError, match=r"go: .*1\.26\.4 or newer, and older than 1\.27"):
            machine.ensure()
        assert machine.calls() == []


def test_could_build_with_both(machine: Machine) -> None:
    machine.npm()
    machine.go()
    npm, go = could_build()
    assert npm.startswith("npm: ok: npm 11.0.0")
    assert go.startswith("go: ok: go 1.26.8")
    assert machine.calls() == []


def test_failed_build_says_what_go_said(machine: Machine) -> None:
    machine.go(
        vendor='echo "go: example.org/a@v1.0.0: connection refused" >&2',
        build='echo "example.org/b"; echo "link: writing output: no space left on device" >&2; exit 2',
    )
    with pytest.raises(EngineMissingError) as caught:
        machine.ensure()
    said = str(caught.value)
    assert "connection refused" in said
    assert "no space left on device" in said
    assert "embeddocs" not in said  # expected, and harmless
    assert machine.left() == set()


def test_failed_fetch_of_modules_stops_the_build(machine: Machine) -> None:
    machine.go(vendor='echo "go: checksum mismatch for example.org/a" >&2; exit 1')
    with pytest.raises(EngineMissingError, match="checksum mismatch"):
        machine.ensure()
    assert machine.calls() == []


def test_too_little_disk_is_said_before_the_build(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_go, "DISK_BYTES", 10**18)
    machine.go()
    with pytest.raises(EngineMissingError, match=r"GB are needed under .*GB are free"):
        machine.ensure()
    assert machine.calls() == []


def test_build_that_does_not_run_is_not_kept(machine: Machine) -> None:
    machine.go(build='echo "half of it" > "$2"; chmod +x "$2"')
    with pytest.raises(EngineMissingError, match="go: "):
        machine.ensure()
    assert machine.left() == set()


def test_progress_is_told_while_it_builds(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_program, "TELL_SECONDS", 0.1)
    machine.go(build="echo a/b >&2; echo c/d >&2; sleep 1\n" + GO_WORKS)
    machine.ensure()
    assert any(re.search(r"source of .* 1\.44\.0: \d+ of 228 modules", line) for line in machine.lines)
    assert any(re.search(r"building .* 1\.44\.0: 2 of about \d+ packages, \d+ s$", line) for line in machine.lines)


# Another version than the default one


def test_each_version_is_made_by_its_own_recipe_and_kept_beside_the_others(machine: Machine) -> None:
    machine.go(version="go1.24.2")
    made = machine.ensure("1.12.1")
    assert (made.version, made.origin, made.tested) == ("1.12.1", "go", False)
    assert made.path.parts[-4:-2] == ("inngest", "1.12.1")
    assert "github.com/inngest/inngest v1.12.1" in (machine.fakes / "go.mod").read_text()
    assert machine.ensure("1.12.1").origin == "cache"
    found, reasons = find(None, machine.cache)
    assert found is None
    assert "1.44.0" in reasons[2]
    # 1.44.0 needs a newer Go than the old version does.
    with pytest.raises(EngineMissingError, match=r"go: .*1\.26\.4 or newer"):
        machine.ensure()
    machine.go()
    assert machine.ensure().version == "1.44.0"
    assert machine.ensure("1.12.1").version == "1.12.1"
    assert machine.calls() == ["go", "go"]


def test_npm_is_asked_for_the_version(machine: Machine) -> None:
    machine.npm(NPM_WORKS.replace("1.44.0", "1.12.1"))
    assert (machine.ensure("1.12.1").origin, machine.ensure("1.12.1").origin) == ("npm", "cache")
    assert json.loads((machine.fakes / "package.json").read_text())["dependencies"] == {"inngest-cli": "1.12.1"}
    with pytest.raises(EngineMissingError, match=r"npm: .*1\.12\.1"):
        machine.ensure("1.44.0")


@pytest.mark.parametrize(
    ("says", "wanted", "taken"),
    [
        ("1.12.1-0123abc", "1.12.1", True),
        ("1.43.0-0123abc", "", True),
        ("1.43.0-0123abc", "1.44.0", False),
        ("1.12.1-beta.1-0123abc", "1.12.1", False),
        ("dev-", "1.12.1", False),  # it may be any
    ],
)
def test_wanted_version_decides_about_the_path(machine: Machine, says: str, wanted: str, taken: bool) -> None:
    path = machine.server(says)
    found, reasons = find(None, machine.cache, version=wanted)
    assert (found is not None) is taken
    if not taken:
        assert f"{path} says that it is {says}, and {wanted} is asked for" in reasons[1]


def test_configured_program_of_another_version_than_the_wanted_one_is_an_error(machine: Machine) -> None:
    with pytest.raises(EngineMissingError, match=r"1\.43\.0-0123abc, and 1\.12\.1 is asked for"):
        find(machine.server("1.43.0-0123abc", "mine"), machine.cache, version="1.12.1")
    # Whoever names a build from source knows what it is.
    found, _reasons = find(machine.server("dev-", "built"), machine.cache, version="1.12.1")
    assert found is not None
    assert not found.tested


def test_unknown_version_is_an_error_that_names_the_known_ones(machine: Machine) -> None:
    calls: list[Callable[[], object]] = [
        lambda: find(None, machine.cache, version="1.13.0"),
        lambda: machine.ensure("1.13.0"),
        lambda: could_build("1.13.0"),
    ]
    for call in calls:
        with pytest.raises(EngineMissingError, match=r"no recipe for version 1\.13\.0 .*1\.44\.0, 1\.12\.1"):
            call()


def test_which_go_will_do_for_the_old_version(machine: Machine) -> None:
    machine.go(version="go1.23.9")
    _npm_line, go = could_build("1.12.1")
    assert go.startswith("go: not usable: go 1.23.9; Go 1.24.0 or newer")


# Its help


def test_options_are_read_from_the_programs_help(machine: Machine) -> None:
    said = "OPTIONS:\n   --port string, -p string  it's --no-option of a line\n   --no-poll   (default: false)\n"
    program = machine.program("mine", f"#!/bin/sh\n[ \"$*\" = 'dev --help' ] && cat <<'END'\n{said}END\n")
    assert options_of(program, "dev") == {"port", "no-poll"}
    with pytest.raises(EngineMissingError, match="does not say how it is started"):
        options_of(program, "start")


# Otherwise


def test_error_names_every_way_and_why(machine: Machine) -> None:
    machine.npm()
    with pytest.raises(EngineMissingError) as caught:
        machine.ensure()
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:6]] == [
        "1. configuration",
        "2. PATH",
        "3. cache",
        "4. npm",
        "5. go",
    ]
    assert "getaddrinfo ENOTFOUND the-vendor" in lines[4]
    assert "no `go` on the PATH" in lines[5]
    assert "Docker" in lines[6]
    assert "DURAMETER_INNGEST_ADDRESS" in lines[6]


def test_nothing_is_made_when_that_is_not_allowed(machine: Machine) -> None:
    machine.npm(NPM_WORKS)
    machine.go()
    with pytest.raises(EngineMissingError, match=r"4\. npm: not asked"):
        ensure(None, machine.cache, machine.lines.append, allow_build=False)
    assert machine.calls() == []
    assert not machine.cache.exists()


def test_cache_that_cannot_be_written(machine: Machine) -> None:
    machine.go()
    machine.cache.write_text("a file where the folder should be")
    with pytest.raises(EngineMissingError, match="DURAMETER_CACHE_DIR"):
        machine.ensure()


# Interruption and company

CALL = """
import sys
from pathlib import Path
from durameter.engines.inngest.binary import ensure
print(ensure(None, Path(sys.argv[1]), lambda line: print(line, flush=True)).origin, flush=True)
"""


@contextlib.contextmanager
def another_run(machine: Machine) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", CALL, str(machine.cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_build_leaves_no_process_and_does_no_harm(machine: Machine, number: signal.Signals) -> None:
    machine.go(build='echo "half of it" > "$2"; sleep 60')
    with another_run(machine) as process:
        wait_for((machine.fakes / "go.pid").exists)
        process.send_signal(number)
        process.wait(15 * patience())
    wait_for(lambda: not alive(machine.fakes / "go.pid"))
    if number == signal.SIGINT:
        assert list(machine.cache.rglob("work-*")) == []
    found, _reasons = find(None, machine.cache)
    assert found is None
    machine.go()
    assert machine.ensure().origin == "go"
    assert list(machine.cache.rglob("work-*")) == []
    assert machine.left() == {"inngest", "inngest.json"}


def test_leftovers_go_also_when_nothing_must_be_built(machine: Machine) -> None:
    machine.go()
    machine.ensure()
    left = machine.cached.parent / "work-dead"
    left.mkdir()
    assert machine.ensure().origin == "cache"
    assert not left.exists()


def test_build_is_stopped_by_the_event(machine: Machine) -> None:
    machine.go(build="sleep 60")
    cancelled = threading.Event()

    def stop_when_it_builds() -> None:
        wait_for((machine.fakes / "go.pid").exists)
        cancelled.set()

    other = threading.Thread(target=stop_when_it_builds)
    other.start()
    with pytest.raises(EngineMissingError, match="stopped"):
        ensure(None, machine.cache, machine.lines.append, cancelled=cancelled)
    other.join()
    assert not alive(machine.fakes / "go.pid")
    assert list(machine.cache.rglob("work-*")) == []


def test_build_is_stopped_by_what_progress_raises(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_program, "TELL_SECONDS", 0.1)
    machine.go(build="sleep 60")

    def progress(line: str) -> None:
        if (machine.fakes / "go.pid").exists():
            raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt):
        ensure(None, machine.cache, progress)
    assert not alive(machine.fakes / "go.pid")
    assert list(machine.cache.rglob("work-*")) == []


def test_two_runs_build_once(machine: Machine) -> None:
    """The first one builds until the second has said that it waits."""
    machine.go(build='while [ ! -e "$0.on" ]; do sleep 0.1; done\n' + GO_WORKS)
    with another_run(machine) as one:
        wait_for((machine.fakes / "go.pid").exists)
        with another_run(machine) as two:
            assert two.stdout is not None
            assert any("another durameter" in line for line in two.stdout)
            (machine.bin / "go.on").touch()
            second = two.communicate(timeout=30 * patience())[0].split("\n")
        first = one.communicate(timeout=30 * patience())[0].split("\n")
    assert first[-2] == "go"
    assert second[-2] == "cache"
    assert machine.calls() == ["go"]


def test_a_run_that_waits_goes_on_when_the_other_is_killed(machine: Machine) -> None:
    machine.go(build="sleep 60")
    with another_run(machine) as one:
        wait_for((machine.fakes / "go.pid").exists)
        machine.go()
        with another_run(machine) as two:
            assert two.stdout is not None
            assert "another durameter" in two.stdout.readline()
            one.kill()
            assert two.communicate(timeout=30 * patience())[0].split("\n")[-2] == "go"
    assert list(machine.cache.rglob("work-*")) == []


# What ships

PACKAGE = resources.files(inngest_binary)


@pytest.mark.parametrize("version", RECIPES)
def test_lock_file_has_a_hash_for_every_package_and_no_address(version: str) -> None:
    recipe = PACKAGE.joinpath("recipe", version)
    text = recipe.joinpath("package-lock.json").read_text()
    assert "resolved" not in text
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert packages[""]["dependencies"] == {"inngest-cli": version}
    assert packages["node_modules/inngest-cli"]["version"] == version
    installed = {name: about for name, about in packages.items() if name}
    assert len(installed) > 5
    for name, about in installed.items():
        assert about["integrity"].startswith("sha512-"), name
    # npm that asks before it runs install scripts is told that this one is wanted.
    manifest = json.loads(recipe.joinpath("package.json").read_text())
    assert manifest["allowScripts"] == {"inngest-cli": True}


SDK = "github.com/tencentcloud/tencentcloud-sdk-go"
REPLACED = {"1.44.0": [[SDK, "v3.0.82+incompatible", "=>", SDK, "v1.0.191"]], "1.12.1": []}


@pytest.mark.parametrize("version", RECIPES)
def test_go_module_is_pinned_complete_and_of_no_machine(version: str) -> None:
    recipe = PACKAGE.joinpath("recipe", version)
    module = recipe.joinpath("go.mod").read_text()
    assert f"github.com/inngest/inngest v{version}" in module
    assert "tool github.com/inngest/inngest/cmd" in module
    assert f"\ngo {'.'.join(map(str, RECIPES[version].oldest_go))}\n" in module
    replaced = [line.split()[1:] for line in module.splitlines() if line.startswith("replace")]
    assert replaced == REPLACED[version]
    sums = recipe.joinpath("go.sum").read_text().splitlines()
    for line in sums:
        assert re.fullmatch(r"[\w.~/-]+ v[\w.+-]+(/go\.mod)? h1:[\w+/]{43}=", line), line
    assert len(set(sums)) == len(sums)
    known = {(line.split()[0], line.split()[1]) for line in sums}
    required = re.findall(r"^\t(\S+) (v\S+)", module, re.MULTILINE)
    assert len(required) > 150
    assert [pair for pair in required if (pair[0], f"{pair[1]}/go.mod") not in known] == []


def test_old_version_has_upstreams_sums_of_the_commit_that_no_checksum_database_serves() -> None:
    sums = PACKAGE.joinpath("recipe", "1.12.1", "go.sum").read_text().splitlines()
    pinned = "github.com/inngest/inngestgo v0.13.2-0.20250812183425-c9b78e47b1f9"
    assert [line.split()[1] for line in sums if line.startswith(pinned)] == [
        "v0.13.2-0.20250812183425-c9b78e47b1f9",
        "v0.13.2-0.20250812183425-c9b78e47b1f9/go.mod",
    ]
