"""What could make faces surer, and what it brings: `python -m benchmarks.levers FOLDER --labels FILE`.

For each lever how often two pictures of one person fall short (FNMR, each person once) where so many pairs of strangers
match (FMR, each pair of people once); and how many pictures somebody shows until one is long enough.
docs/measurements/recognition.md has the figures.
"""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path

import django
import numpy as np

from faceauth.vision import quality_gate, similarity

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.settings")
django.setup()

from benchmarks.people import Floats, Indices, Set, Templates, mean_of, missed, parser, part, read_as_told, unit  # noqa: E402
from benchmarks.thresholds import by_one, matches  # noqa: E402
from faceauth.vision import mean_template  # noqa: E402

FMRS = (1e-4, 1e-5, 1e-6)
SEED = 19795
DRAWS = 5
LENGTHS = (10.25, 10.5, 10.75, 11.0)


def variants(these: Set) -> Iterator[tuple[str, Set]]:
    """Each lever, and the set with the templates that it makes."""
    both = unit(these.plain + unit(these.raw_mirrored))
    clear = these.lengths >= quality_gate.ENROLMENT.length
    yield "SFace's own templates", changed(these, these.plain)
    yield "less the mean of all people", these
    yield "less the mean of half the people, who are not compared", other_half(these)
    yield "SFace's own, pictures with short vectors left out", part(changed(these, these.plain), clear)
    yield "less the mean, short vectors left out", part(these, clear)
    yield "averaged with the mirrored face, less the mean", changed(these, less_mean(both, these))
    yield "all three", part(changed(these, less_mean(both, these)), clear)


def changed(these: Set, templates: Templates) -> Set:
    made = copy.copy(these)
    made.templates = templates
    return made


def less_mean(templates: Templates, these: Set) -> Templates:
    people = [templates[these.of(person)] for person in range(len(these.counts))]
    return mean_template.centred(templates, mean_template.mean_of(people))


def other_half(these: Set) -> Set:
    """Whether a mean helps people who had no part in it."""
    here = np.arange(len(these.counts)) % 2 == 0
    mean = mean_template.mean_of([these.plain[these.of(person)] for person in np.flatnonzero(~here)])
    return part(changed(these, mean_template.centred(these.plain, mean)), here[these.owners])


def missed_at(these: Set, fmr: float) -> float:
    found = matches(these, by_one(these))
    place = np.searchsorted(found.weights.cumsum() / found.pairs, fmr)
    return missed(these, float(found.cosines[place]))


def several(these: Set, known_by: int, shown: int) -> Floats:
    """The cosines of genuine means of so many pictures, of independent ones: (n,)."""
    random = np.random.default_rng(SEED)
    found = []
    for person in np.flatnonzero(these.counts >= known_by + shown):
        for _ in range(DRAWS):
            taken = these.templates[random.permutation(these.of(person))]
            found.append(float(mean_of(taken[:known_by]) @ mean_of(taken[known_by : known_by + shown])))
    return np.array(found)


def strangers(these: Set, known_by: int, shown: int) -> Floats:
    """The highest cosine of each pair of strangers of such means, one draw of each person."""
    random = np.random.default_rng(SEED)

    def means(count: int) -> tuple[Templates, Indices]:
        people = np.flatnonzero(these.counts >= count)
        return np.stack([mean_of(these.templates[random.permutation(these.of(one))[:count]]) for one in people]), people

    (known, one), (seen, other) = means(known_by), means(shown)
    apart = one[:, np.newaxis] != other
    for a, b in these.relatives:
        apart &= ~(((one == a)[:, np.newaxis] & (other == b)) | ((one == b)[:, np.newaxis] & (other == a)))
    return np.asarray((known @ seen.T)[apart], np.float64)


def frames_until_clear(these: Set, least: float) -> str:
    """Of people with four pictures or more: pictures shown in a random order until one is long enough."""
    shown, never = [], 0
    for person in np.flatnonzero(these.counts >= 4):
        clear = int((these.lengths[these.of(person)] >= least).sum())
        shown.append((these.counts[person] + 1) / (clear + 1))
        never += clear == 0
    return f"{len(shown)} | {np.mean(shown):.2f} | {np.percentile(shown, 99):.1f} | {never}"


def main() -> None:
    arguments = parser("benchmarks.levers", __doc__.split("\n")[0])
    arguments.add_argument("--groups", type=Path, help='JSON: {"women": ["Ada_Lovelace", ...], "men": [...]}')
    told = arguments.parse_args()
    show(read_as_told(told), json.loads(told.groups.read_text()) if told.groups else {})


def show(these: Set, groups: dict[str, list[str]]) -> None:
    print("| lever | " + " | ".join(f"FMR {fmr:g}" for fmr in FMRS) + " |\n" + "| --- " * (1 + len(FMRS)) + "|")
    for name, made in variants(these):
        print(f"| {name} | {' | '.join(f'{100 * missed_at(made, fmr):.2f} %' for fmr in FMRS)} |", flush=True)
    print(
        "\n| known by | shown | strangers compared | highest | FMR at 90 | FNMR at 90 | at 99 | 1 % of genuine below |"
    )
    print("| --- " * 8 + "|")
    for known_by, shown in ((1, 1), (1, 3), (3, 1), (3, 3)):
        wrong, right = strangers(these, known_by, shown), several(these, known_by, shown)
        rates = [float((wrong >= similarity.to_cosine(90)).mean())]
        rates += [float((right < similarity.to_cosine(value)).mean()) for value in (90, 99)]
        cells = f"{len(wrong):,} | {wrong.max():.3f} | {rates[0]:.1e} | {100 * rates[1]:.2f} % | {100 * rates[2]:.2f} %"
        print(f"| {known_by} | {shown} | {cells} | {np.percentile(right, 1):.3f} |", flush=True)
    print("\n| length | group | short | people | pictures, mean | 1 % need more than | never |\n" + "| --- " * 7 + "|")
    for least in LENGTHS:
        for name, people in [("everybody", these.names), *groups.items()]:
            made = part(these, np.isin(these.names, people)[these.owners])
            short = 100 * float((made.lengths < least).mean())
            print(f"| {least} | {name} | {short:.1f} % | {frames_until_clear(made, least)} |", flush=True)


if __name__ == "__main__":
    main()
