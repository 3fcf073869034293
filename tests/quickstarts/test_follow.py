"""Following a page: what is done, what is compared, and that a page which says something else is caught."""

import time
from pathlib import Path

import psutil
import pytest

from quickstarts.follow import Command, PageError, PageFile, follow, read_page
from running import patience


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


PAGE = """# A page

```bash
this is for reading only
```

```python title="hello.py"
print("hello,", "world")
```

```toml
# file: sub/settings.toml
a = 1
```

```console
$ python hello.py
hello, …
$ printf '%s %s\\n' \\
  one two
one   two
```
"""


def test_what_a_page_has(tmp_path: Path) -> None:
    assert read_page(_page(tmp_path, PAGE)) == [
        PageFile("hello.py", 'print("hello,", "world")\n', 8),
        PageFile("sub/settings.toml", "# file: sub/settings.toml\na = 1\n", 12),
        Command("python hello.py", ("hello, …",), 17),
        Command("printf '%s %s\\n' \\\n  one two", ("one   two",), 19),
    ]


def test_it_is_done(tmp_path: Path) -> None:
    done = follow(_page(tmp_path, PAGE), tmp_path / "here")
    assert [(each.status, each.printed) for each in done] == [(0, "hello, world\n"), (0, "one two\n")]
    assert (tmp_path / "here" / "sub" / "settings.toml").read_text().endswith("a = 1\n")


def test_a_shell_keeps_its_folder_and_its_variables(tmp_path: Path) -> None:
    text = """
```console
$ mkdir deep && cd deep
$ export COLOUR=red
```
```text title="there.txt"
here
```
```console
$ cat there.txt; echo $COLOUR; basename $(pwd)
here
red
deep
```
"""
    follow(_page(tmp_path, text), tmp_path / "here")
    assert (tmp_path / "here" / "deep" / "there.txt").is_file()


def _console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("$ echo a", "b"), "did not print 'b'"),
        (("$ printf 'a\\nb\\n'", "b", "a"), "did not print 'a'"),
        (("$ printf 'a\\nb\\n'", "a", "a"), "did not print 'a'"),
        (("$ echo abc", "ab"), "did not print 'ab'"),
        (("$ echo a 1 c", "a … b"), "did not print 'a … b'"),
        (("$ exit 3",), "ended with status 3"),
        (("$ (exit 99)", "$ echo $?", "98"), "did not print '98'"),
        (("$ sleep 60",), "did not end within 1 s"),
        (("$ sleep 60", "ready", "^C"), "did not print 'ready' within 1 s"),
        (("echo a",), "begins with a command"),
    ],
)
def test_a_page_that_says_something_else(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(PageError, match=said.replace("$", r"\$")):
        follow(_page(tmp_path, _console(*lines)), tmp_path / "here", seconds=1)


@pytest.mark.parametrize(
    "lines",
    [
        ("$ printf 'a 1\\nb 2\\nc 3\\n'", "a …", "c …"),
        ("$ printf 'a\\nb\\n'", "…", "b", "…"),
        ("$ echo '| a |  17.5 units |'", "| a | … units |"),
        ("$ (exit 99)", "$ echo $?", "99"),
        ("$ echo a; echo b >&2", "a", "b"),
    ],
)
def test_a_page_that_says_it_right(tmp_path: Path, lines: tuple[str, ...]) -> None:
    follow(_page(tmp_path, _console(*lines)), tmp_path / "here")


def test_ctrl_c_is_pressed_when_the_lines_before_it_are_there(tmp_path: Path) -> None:
    program = "trap 'echo stopped; exit 0' INT; echo ready; while :; do sleep 0.1; done"
    [done] = follow(_page(tmp_path, _console(f'$ bash -c "{program}"', "ready", "^C", "stopped")), tmp_path / "here")
    assert done.status == 0


def test_what_stays_in_the_background_is_stopped_at_the_end(tmp_path: Path) -> None:
    before = time.monotonic()
    lines = ("$ python -c 'import time; print(1); time.sleep(987)' &", "1", "$ echo after", "after")
    done = follow(_page(tmp_path, _console(*lines)), tmp_path / "here")
    assert done[0].status is None
    assert time.monotonic() - before < 60 * patience()
    assert not [each for each in psutil.process_iter(["cmdline"]) if "time.sleep(987)" in str(each.info["cmdline"])]


def test_what_stands_for_a_part_of_a_command_must_occur(tmp_path: Path) -> None:
    page = _page(tmp_path, _console("$ echo durameter", "other"))
    follow(page, tmp_path / "here", instead={"durameter": "other"})
    with pytest.raises(PageError, match="no command has 'absent'"):
        follow(page, tmp_path / "there", instead={"absent": "x"})
