"""What is known to be wrong or special in a set of faces, in a JSON file; every part of it may be absent.

{
  "one_person_two_names": [["Jon_Gruden", "John_Gruden"]],
  "label_cannot_be_told": ["Raul_Ibanez_0001.jpg"],
  "shows_somebody_else": ["Jason_Kapono/Jason_Kapono_0001.jpg"],
  "relatives_or_twins": [["Ashley_Olsen", "Mary-Kate_Olsen"]]
}

People are named by their folder, pictures by their file's name, with or without the folder's.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faceauth.evaluation.dataset import Sample

SAME, UNKNOWN, OTHER, RELATIVES = (
    "one_person_two_names",
    "label_cannot_be_told",
    "shows_somebody_else",
    "relatives_or_twins",
)


class LabelsUnusable(Exception):
    """The file of labels cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Labels:
    names: dict[str, str] = field(default_factory=dict)
    """Second names of people, and the first name of each."""
    omitted: frozenset[str] = frozenset()
    """Pictures that are left out."""
    relatives: frozenset[frozenset[str]] = frozenset()
    """Pairs of people who are more alike than strangers are, by their first names."""


def read(path: Path) -> Labels:
    """Raises LabelsUnusable."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LabelsUnusable(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict) or content.keys() - {SAME, UNKNOWN, OTHER, RELATIVES}:
        raise LabelsUnusable(f"{path} may hold {SAME}, {UNKNOWN}, {OTHER} and {RELATIVES}, and nothing else.")
    pairs = [*content.get(SAME, []), *content.get(RELATIVES, [])]
    pictures = [*content.get(UNKNOWN, []), *content.get(OTHER, [])]
    if not all(is_pair(pair) for pair in pairs) or not all(isinstance(picture, str) for picture in pictures):
        raise LabelsUnusable(f"{path}: people come in pairs of two different names, and pictures as names.")
    names = {second: first for first, second in content.get(SAME, [])}
    relatives = (frozenset(names.get(name, name) for name in pair) for pair in content.get(RELATIVES, []))
    return Labels(names, frozenset(pictures), frozenset(relatives))


def is_pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(name, str) for name in value)
        and value[0] != value[1]
    )


def name_of(sample: Sample, labels: Labels) -> str:
    """The first name of whoever a picture shows."""
    folder = sample.path.parent.name
    return labels.names.get(folder, folder)


def applied(samples: Iterable[Sample], labels: Labels) -> list[Sample]:
    """The pictures that may be used, each person numbered once."""
    kept = [one for one in samples if not labels.omitted & {one.path.name, f"{one.path.parent.name}/{one.path.name}"}]
    numbers = {name: number for number, name in enumerate(sorted({name_of(one, labels) for one in kept}))}
    return [Sample(numbers[name_of(one, labels)], one.path) for one in kept]


def related(samples: Iterable[Sample], labels: Labels) -> list[tuple[int, int]]:
    """The pairs of relatives among the pictures that `applied` gave, by their people's numbers."""
    numbers = {name_of(one, labels): one.person for one in samples}
    pairs: Iterable[Sequence[str]] = (sorted(pair) for pair in labels.relatives)
    return sorted((numbers[one], numbers[other]) for one, other in pairs if one in numbers and other in numbers)
