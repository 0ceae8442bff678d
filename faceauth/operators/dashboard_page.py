"""What the template of the dashboard is given: figures as rows, and the three charts."""

from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.translation import gettext as _

from faceauth.conf import conf
from faceauth.operators import charts
from faceauth.operators.charts import Chart, Series
from faceauth.operators.dashboard import Dashboard, dashboard
from faceauth.operators.figures import Figures, Range
from faceauth.outcomes import Outcome, Reason
from faceauth.policy import thresholds


def context(range_key: str, may_act: bool) -> dict[str, Any]:
    """For the range of this name, and for an operator who may act, or only look."""
    chosen = Range.of(range_key)
    board, outlook = dashboard(chosen), thresholds.outlook()
    total = board.total
    return {
        "board": board,
        "conf": conf(),
        "ranges": [(it.key, it.label, it is chosen) for it in Range],
        "outcomes": [(value, label, total.of(value)) for value, label in Outcome.choices],
        "reasons": reason_rows(total),
        "charts": [sign_ins_chart(board), similarities_chart(total), latency_chart(board)],
        "needed": [
            (_("photo"), outlook.photo, one_in(outlook.photo.odds)),
            (_("liveness check"), outlook.liveness, one_in(outlook.liveness.odds)),
        ],
        "outlook": outlook,
        "latency": [(_("median"), total.percentile(50)), (_("95th percentile"), total.percentile(95))],
        "sign_in_log": admin_url("faceauth_signin_changelist"),
        "may_act": may_act,
        "health_check": admin_url("faceauth_health_check"),
    }


def one_in(chance: float) -> str:
    """A probability as people say it: 1 in 12,000."""
    if not chance:
        return "\N{EN DASH}"
    return _("1 in %(many)s") % {"many": formats.number_format(round(1 / chance), force_grouping=True)}


def admin_url(name: str) -> str:
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:  # a site whose admin leaves it out
        return ""


def reason_rows(total: Figures) -> list[tuple[str, str, int]]:
    """(code, words, count) of each reason for refusal, the most frequent first."""
    words = dict(Reason.choices)
    return [(code, str(words.get(code, code)), count) for code, count in total.reasons()]


def part_text(board: Dashboard, start: datetime) -> str:
    return formats.date_format(start, "TIME_FORMAT" if board.range.hourly else "MONTH_DAY_FORMAT")


def part_name(board: Dashboard) -> str:
    return _("hour") if board.range.hourly else _("day")


def sign_ins_chart(board: Dashboard) -> Chart:
    parts = list(board.parts.values())
    drawn = [Outcome.RECOGNISED, Outcome.ENROLLED, Outcome.STRANGER, Outcome.REFUSED]
    drawn += [Outcome.THROTTLED, Outcome.UNAVAILABLE]
    summary = _("%(count)d sign-ins by outcome, one bar for each hour or day.")
    return charts.stacked(
        Chart(
            "sign-ins",
            _("Sign-ins"),
            summary % {"count": board.total.outcomes.total()},
            part_name(board),
            [part_text(board, start) for start in board.parts],
            [Series(it.value, str(it.label), [part.of(it) for part in parts]) for it in drawn],
        )
    )


def similarities_chart(total: Figures) -> Chart:
    found = total.similarities
    current = thresholds.current()
    lowest = int(min([current.near_match, *(similarity for _recognised, similarity in found)]))
    places = range(lowest, 101)
    summary = _("Sign-ins by similarity. A line marks the threshold of %(threshold)g.")
    return charts.stacked(
        Chart(
            "similarities",
            _("Similarity of sign-ins"),
            summary % {"threshold": round(current.threshold, 1)},
            _("similarity"),
            [str(place) for place in places],
            [
                Series("recognised", _("recognised"), [found[True, place] for place in places]),
                Series("refused", _("not recognised"), [found[False, place] for place in places]),
            ],
        ),
        at=current.threshold - lowest,
    )


def latency_chart(board: Dashboard) -> Chart:
    parts = list(board.parts.values())
    return charts.lines(
        Chart(
            "latency",
            _("Time Rekognition took, in milliseconds"),
            _("For each hour or day the median and the 95th percentile of all calls of one sign-in."),
            part_name(board),
            [part_text(board, start) for start in board.parts],
            [
                Series("recognised", _("median"), [part.percentile(50) for part in parts]),
                Series("stranger", _("95th percentile"), [part.percentile(95) for part in parts]),
            ],
        )
    )
