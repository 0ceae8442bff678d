"""What the template of the dashboard is given: figures as rows, and the three charts."""

from datetime import date
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.translation import gettext as _

from faceauth.conf import conf
from faceauth.operators import charts
from faceauth.operators.charts import Chart, Series
from faceauth.operators.dashboard import Dashboard, dashboard
from faceauth.operators.figures import Figures
from faceauth.outcomes import Outcome, Reason
from faceauth.policy import thresholds


def context() -> dict[str, Any]:
    board, outlook = dashboard(), thresholds.outlook()
    today, month = board.today, board.month
    return {
        "board": board,
        "conf": conf(),
        "today": [(label, today.of(value)) for value, label in Outcome.choices],
        "reasons": reason_rows(today, month),
        "charts": [sign_ins_chart(board), similarities_chart(month), latency_chart(board)],
        "needed": [
            (_("photo"), outlook.photo, one_in(outlook.photo.odds)),
            (_("liveness check"), outlook.liveness, one_in(outlook.liveness.odds)),
        ],
        "outlook": outlook,
        "latency": [
            (name, it.percentile(50), it.percentile(95)) for name, it in ((_("today"), today), (_("30 days"), month))
        ],
        "sign_in_log": admin_url("faceauth_signin_changelist"),
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


def reason_rows(today: Figures, month: Figures) -> list[tuple[str, str, int, int]]:
    """(code, words, count today, count in 30 days) of each reason for refusal, the most frequent first."""
    of_today, words = dict(today.reasons()), dict(Reason.choices)
    return [(code, str(words.get(code, code)), of_today.get(code, 0), count) for code, count in month.reasons()]


def day_text(day: date) -> str:
    return formats.date_format(day, "MONTH_DAY_FORMAT")


def sign_ins_chart(board: Dashboard) -> Chart:
    days = list(board.days.values())
    drawn = [Outcome.RECOGNISED, Outcome.ENROLLED, Outcome.STRANGER, Outcome.REFUSED]
    drawn += [Outcome.THROTTLED, Outcome.UNAVAILABLE]
    summary = _("%(count)d sign-ins, one bar for each day, divided by outcome.")
    return charts.stacked(
        Chart(
            "sign-ins",
            _("Sign-ins in the last 30 days"),
            summary % {"count": board.month.outcomes.total()},
            _("day"),
            [day_text(day) for day in board.days],
            [Series(it.value, str(it.label), [day.of(it) for day in days]) for it in drawn],
        )
    )


def similarities_chart(month: Figures) -> Chart:
    found = month.similarities
    current = thresholds.current()
    lowest = int(min([current.near_match, *(similarity for _recognised, similarity in found)]))
    places = range(lowest, 101)
    summary = _("Sign-ins by similarity. A line marks the threshold of %(threshold)g.")
    return charts.stacked(
        Chart(
            "similarities",
            _("Similarity of sign-ins in the last 30 days"),
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
    days = list(board.days.values())
    return charts.lines(
        Chart(
            "latency",
            _("Time Rekognition took, in milliseconds"),
            _("For each day the median and the 95th percentile of all calls of one sign-in."),
            _("day"),
            [day_text(day) for day in board.days],
            [
                Series("recognised", _("median"), [day.percentile(50) for day in days]),
                Series("stranger", _("95th percentile"), [day.percentile(95) for day in days]),
            ],
        )
    )
