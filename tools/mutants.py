"""Change the code in small ways and see whether the tests notice: `make mutants`, described in docs/mutation.md.

mutmut makes the changes ("mutants") and runs the tests that reach each; this file chooses modules, tests and a sample,
works on a copy of the repository, and sums up. Which tests belong to which module stands in pyproject.toml.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = {"staticmethod", "classmethod"}  # mutmut can look through these two decorators, and through no others
# What mutmut writes down for a mutant: the exit status of its tests.
NOT_REACHED = 33
SURVIVED = {0, NOT_REACHED}


@dataclass(frozen=True)
class Result:
    """What came of the mutants of one module; `survivors` are names of mutants."""

    module: str
    tried: int
    survivors: list[str]

    @property
    def score(self) -> float:
        """The share of mutants that the tests noticed, 0 to 1; 1 where there was none."""
        return 1 - len(self.survivors) / self.tried if self.tried else 1.0


def mutated_modules() -> dict[str, list[str]]:
    """Give the test modules for each module that is mutated, as paths from the root."""
    tests: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutants"]["tests"]
    return tests


def copy_repository(target: Path) -> None:
    """Copy what git knows or would add. The mutated code never lies where somebody works."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    shared = ROOT.parent / "shared"
    if shared.is_dir():  # the wider set of faces, where there is one
        (target / "shared").symlink_to(shared)


def unwrapped(source: str) -> str:
    """Write `@decorator` above a function as an assignment below it, which mutmut does not pass over."""
    lines = source.splitlines()
    for function in sorted(decorated(ast.parse(source)), key=lambda node: node.lineno, reverse=True):
        value = function.name
        for decorator in reversed(function.decorator_list):
            value = f"{ast.unparse(decorator)}({value})"
        lines.insert(function.end_lineno or 0, f"{' ' * function.col_offset}{function.name} = {value}")
        del lines[function.decorator_list[0].lineno - 1 : function.lineno - 1]
    return "\n".join(lines) + "\n"


def decorated(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Give the functions and methods with a decorator that mutmut would pass over."""
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for node in (node for body in bodies for node in body if isinstance(node, ast.FunctionDef)):
        names = [ast.unparse(decorator) for decorator in node.decorator_list]
        if names and not KEPT.intersection(names) and not any(name.endswith((".setter", "overload")) for name in names):
            yield node


def names_of_mutants(copy: Path, module: str) -> list[str]:
    """Give the names that mutmut will give its mutants of this module, in the order of the code."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # only there after `make mutants`

    with contextlib.chdir(copy):  # mutmut reads its configuration from there
        mutated = mutate_file_contents(module, Path(module).read_text())
    dotted = module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    return [f"{dotted}.{name}" for name in mutated.mutant_names]


def configure(copy: Path, module: str, tests: list[str]) -> None:
    """Tell mutmut in the copy what to mutate and what to run."""
    package = Path(module).parts[0]
    others = [path.name for path in copy.iterdir() if path.name not in (package, "mutants", "shared")]
    quick = ["-p", "no:cacheprovider", "-m", "not slow and not browser"]
    values: dict[str, object] = {
        "source_paths": [package],
        "only_mutate": [module],
        "also_copy": sorted(others),
        "pytest_add_cli_args": quick,
        "pytest_add_cli_args_test_selection": [test for test in tests if (copy / test).exists()],
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items()]
    text = (ROOT / "pyproject.toml").read_text()
    (copy / "pyproject.toml").write_text(text + "\n[tool.mutmut]\n" + "".join(lines))


def mutmut(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mutmut", *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


def try_module(copy: Path, module: str, tests: list[str], options: argparse.Namespace) -> Result:
    """Mutate one module and run its tests on each mutant. Raises RuntimeError where they fail on the code as it is."""
    shutil.rmtree(copy / "mutants", ignore_errors=True)
    (copy / module).write_text(unwrapped((ROOT / module).read_text()))
    configure(copy, module, tests)
    names = names_of_mutants(copy, module)
    if options.sample and options.sample < len(names):
        # A fixed choice for each module, so that two runs can be compared.
        names = sorted(random.Random(f"{options.seed} {module}").sample(names, options.sample))  # noqa: S311
    if not names:
        return Result(module, 0, [])
    ran = mutmut(copy, "run", "--max-children", str(options.jobs), *names)
    meta = copy / "mutants" / f"{module}.meta"
    codes = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
    (copy / module).write_text((ROOT / module).read_text())
    tried = [name for name in names if codes.get(name) is not None]
    if ran.returncode or not tried:
        raise RuntimeError(f"{module}: mutmut did not get through.\n{(ran.stdout + ran.stderr)[-4000:]}")
    return Result(module, len(tried), [name for name in tried if codes[name] in SURVIVED])


def report(copy: Path, result: Result) -> None:
    """Print the score of a module and the change of each survivor."""
    killed = result.tried - len(result.survivors)
    print(f"{result.module}: {killed} of {result.tried} killed, {result.score:.0%}", flush=True)
    for name in result.survivors:
        shown = mutmut(copy, "show", name).stdout
        changed = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        print(f"  {name}", *changed, sep="\n    ", flush=True)


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("paths", nargs="*", help="modules or folders, for example faceauth/policy; all without")
    parser.add_argument("--sample", type=int, default=0, help="that many mutants of each module; all without")
    parser.add_argument("--seed", default="1", help="another one chooses other mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many run at once")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = options_of(arguments)
    wanted = [path.rstrip("/") for path in options.paths]
    modules = {
        module: tests
        for module, tests in mutated_modules().items()
        if not wanted or any(module == path or module.startswith(f"{path}/") for path in wanted)
    }
    if not modules:
        print("pyproject.toml names no module there: see [tool.mutants].")
        return 2
    results = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        copy_repository(copy)
        for module, tests in modules.items():
            result = try_module(copy, module, tests, options)
            report(copy, result)
            results.append(result)
    tried, survived = sum(result.tried for result in results), sum(len(result.survivors) for result in results)
    print(f"In all: {tried - survived} of {tried} killed, {1 - survived / max(tried, 1):.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
