"""Measure a data set from its pictures to a report."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceauth.evaluation import dataset, error_rates, identification, labels
from faceauth.evaluation.error_rates import Comparisons, Rate, Relatives, Verification
from faceauth.evaluation.identification import Identification
from faceauth.evaluation.labels import Labels
from faceauth.vision import mean_template, networks

NOTHING_KNOWN = Labels()


@dataclass(frozen=True, slots=True)
class Report:
    verification: Verification
    identification: list[Identification]
    left_out: dict[str, int]
    """How many pictures have no template, by reason; the most frequent first."""
    relatives: list[Relatives]
    mean: bytes
    """The file that `vision.MEAN` would be, made of these people."""


def measure(
    folder: Path,
    *,
    known: Labels = NOTHING_KNOWN,
    fmrs: Sequence[float] = (),
    processes: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Report:
    """Measure a data set. `progress` gets the number of pictures done and of all.

    Raises NothingToMeasure, TooFew and ModelError.
    """
    everything = dataset.samples_in(folder)
    samples = labels.applied(everything, known)
    results = dataset.templates_of(samples, processes=processes, progress=lambda done: progress(done, len(samples)))
    used = [(made, one) for made, one in zip(results, samples, strict=True) if not isinstance(made, str)]
    left_out = Counter(made for made in results if isinstance(made, str))
    if len(samples) < len(everything):
        left_out["labels"] = len(everything) - len(samples)
    if not used:
        raise dataset.NothingToMeasure(f"No picture in {folder} shows a face.")
    comparisons = Comparisons(
        np.stack([made for made, _ in used]), np.array([one.person for _, one in used]), labels.related(samples, known)
    )
    verification = error_rates.verification(comparisons, fmrs)
    return Report(
        verification,
        identification.identification(comparisons, verification.thresholds),
        dict(left_out.most_common()),
        error_rates.relatives(comparisons),
        mean_file(comparisons, folder.name),
    )


def mean_file(comparisons: Comparisons, name: str) -> bytes:
    """The mean of templates as SFace makes them, before any mean is subtracted, and where it comes from."""
    plain = mean_template.uncentred(comparisons.templates, networks.mean())
    people = [plain[comparisons.people == person] for person in range(len(comparisons.pictures))]
    origin = {
        "what": "the mean over people of the mean of each one's templates of unit length",
        "pictures": f"{len(plain)} of {len(people)} people in {name}",
        "network": networks.RECOGNISER,
        "made by": f"manage.py calibrate {name} --labels {name}-labels.json --mean FILE",
    }
    return mean_template.written(mean_template.mean_of(people), origin)


def text_of(report: Report, fmrs: Sequence[float]) -> str:
    """The report as tables; `fmrs` that could not be measured are named."""
    found = report.verification
    lines = [
        f"{found.pictures:,} pictures of {found.people:,} people.",
        f"{found.impostor_comparisons:,} impostor and {found.genuine_comparisons:,} genuine comparisons.",
        "Intervals are of 95 % (bootstrap over people); 'people' counts each person once.",
        "",
        f"{'similarity':>10}  {'cosine':>7}  {'FMR':^30}  {'FNMR %':^22}  {'FNMR % (people)':^22}",
        *(
            f"{at.similarity:>10g}  {at.cosine:>7.4f}  {interval(at.fmr, '.2e'):>30}  {percent(at.fnmr):>22}"
            f"  {percent(at.fnmr_of_people):>22}"
            for at in found.thresholds
        ),
        "",
        f"{'FMR':>10}  {'cosine':>7}  {'similarity':>10}  {'FNMR %':>7}  {'people':>7}",
        *(
            f"{at.fmr:>10.1e}  {at.cosine:>7.4f}  {at.similarity:>10.2f}  {100 * at.fnmr:>7.2f}"
            f"  {100 * at.fnmr_of_people:>7.2f}"
            for at in found.curve
        ),
        *(
            f"{fmr:>10.1e}  cannot be measured: that takes {3 / fmr:,.0f} impostor comparisons"
            for fmr in fmrs
            if not any(at.fmr == fmr for at in found.curve)
        ),
        *relatives_of(report.relatives),
        "",
        f"Searching for one picture among many, {identification.DRAWS} random draws; intervals hold 95 % of them.",
        f"{'enrolled':>10}  {'similarity':>10}  {'FPIR %':^22}  {'expected':>8}  {'FNIR %':^22}",
        *(
            f"{row.enrolled:>10,}  {row.similarity:>10g}  {percent(row.fpir):>22}  {100 * row.fpir_expected:>8.2f}"
            f"  {percent(row.fnir):>22}"
            for row in report.identification
        ),
    ]
    return "\n".join(lines)


def relatives_of(rows: Sequence[Relatives]) -> list[str]:
    if not rows:
        return []
    return [
        "",
        f"{rows[0].pairs} pairs of relatives are not among these impostors.",
        f"{'similarity':>10}  {'reached by % of their comparisons':>33}  {'by any of a pair':>16}",
        *(f"{row.similarity:>10g}  {100 * row.share:>33.1f}  {row.any_picture:>16}" for row in rows),
    ]


def percent(rate: Rate) -> str:
    return interval(Rate(100 * rate.value, 100 * rate.low, 100 * rate.high), ".2f")


def interval(rate: Rate, form: str) -> str:
    return f"{rate.value:{form}} [{rate.low:{form}}, {rate.high:{form}}]"
