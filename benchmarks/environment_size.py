"""How large a fresh environment is, and which distributions make it so.

    python benchmarks/environment_size.py              # pip install . and with every extra, and their parts
    python benchmarks/environment_size.py --at-most 600

Needs uv. Without compiled bytecode, which pip adds as files of about a quarter more; without Python itself.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MB = 2**20
SHOWN = 12
_PARTS = """
import importlib.metadata as m, json, os
print(json.dumps({d.name: sum(os.path.getsize(f) for f in map(d.locate_file, d.files or ()) if os.path.exists(f))
                  for d in m.distributions()}))
"""


def installed(folder: Path, *what: str) -> tuple[float, dict[str, float]]:
    """MB on the disk of an environment with this, and MB of each distribution in it."""
    subprocess.run(["uv", "venv", "--quiet", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, *what], check=True, cwd=ROOT)
    used = subprocess.run(["du", "-sm", folder], check=True, capture_output=True, text=True)
    parts = subprocess.run([python, "-c", _PARTS], check=True, capture_output=True, text=True)
    sizes = {name: size / MB for name, size in json.loads(parts.stdout).items()}
    return float(used.stdout.split()[0]), sizes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--at-most", type=float, help="fail when `pip install .` takes more MB than this")
    limit = parser.parse_args().at_most
    with tempfile.TemporaryDirectory() as made:
        pinned = ("--require-hashes", "-r", "requirements/run.txt")
        own, parts = installed(Path(made) / "own", "--constraint", "requirements/run.txt", ".")
        every, all_parts = installed(Path(made) / "run", *pinned)
    print(f"pip install .               {own:6.0f} MB")
    print(f"requirements/run.txt        {every:6.0f} MB   (every extra; without durameter itself)")
    for name, size in sorted(all_parts.items(), key=lambda part: -part[1])[:SHOWN]:
        print(f"  {name:25} {size:6.0f}      {'' if name in parts else 'an extra'}")
    return 1 if limit is not None and own > limit else 0


if __name__ == "__main__":
    raise SystemExit(main())
