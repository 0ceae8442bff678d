"""Groups of people for `--groups`: `python -m benchmarks.groups FOLDER --labels FILE > groups.json`.

By first name alone, which is a guess about names and not about people: those whose first name gender-guesser, a list of
names by country, knows as a woman's or as a man's and as nothing else. It is no dependency: `pip install
gender-guesser==0.4.0`. Nothing in such a set says how old somebody is, so there are no groups by age.
"""

import importlib
import json
from pathlib import Path

from benchmarks.people import parser
from faceauth.evaluation import dataset, labels
from faceauth.evaluation.labels import Labels

GROUPS = {"female": "women", "male": "men"}


def main() -> None:
    told = parser("benchmarks.groups", (__doc__ or "").split("\n")[0]).parse_args()
    print(json.dumps(groups_in(told.folder, labels.read(told.labels) if told.labels else Labels()), indent=1))


def groups_in(folder: Path, known: Labels) -> dict[str, list[str]]:
    """The names of the people of each group. Raises ModuleNotFoundError without gender-guesser."""
    guess = importlib.import_module("gender_guesser.detector").Detector().get_gender
    names = {labels.name_of(one, known) for one in labels.applied(dataset.samples_in(folder), known)}
    by_guess = {name: GROUPS.get(guess(name.split("_")[0])) for name in sorted(names)}
    return {group: [name for name, its in by_guess.items() if its == group] for group in GROUPS.values()}


if __name__ == "__main__":
    main()
