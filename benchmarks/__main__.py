"""`python -m benchmarks` measures everything and prints one table; `python -m benchmarks sign_in` measures one part.

Each part is a module with a `measure()` and runs in its own process, because it sets up its own installation.
"""

import argparse
import importlib
import subprocess
import sys

from benchmarks import table

PARTS = ("sign_in", "photo", "ratios", "search", "checks", "notebook", "dashboard", "load", "arrival")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Medians, and their spread from p10 to p90.")
    parser.add_argument("part", nargs="?", choices=PARTS)
    part = parser.parse_args().part
    if part:
        table.show(importlib.import_module(f"benchmarks.{part}").measure())
        return
    table.show_head()
    for part in PARTS:
        subprocess.run([sys.executable, "-m", "benchmarks", part], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
