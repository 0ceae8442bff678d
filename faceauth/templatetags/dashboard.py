"""The desk on the admin's first page, for whoever may see the log of the door."""

from datetime import date
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.translation import gettext as _

from faceauth.conf import conf
from faceauth.operators import charts, dashboard
from faceauth.operators.charts import Chart, Series
from faceauth.outcomes import Outcome, Reason
from faceauth.policy import thresholds

register = template.Library()


@register.inclusion_tag("admin/faceauth/dashboard.html", takes_context=True)
def desk(context: dict[str, Any]) -> dict[str, Any]:
    if not context["request"].user.has_perm("faceauth.view_signin"):
        return {}
    seen, outlook = dashboard.dashboard(), thresholds.outlook()
    return {
        "desk": seen,
        "conf": conf(),
        "today": [(label, seen.today.of(value)) for value, label in Outcome.choices],
        "reasons": reasons(seen.today, seen.month),
        "charts": [visits_chart(seen), similarities_chart(seen), latency_chart(seen)],
        "needed": [(_("photo"), outlook.photo), (_("look"), outlook.liveness)],
        "outlook": outlook,
        "latency": [
            (_("today"), seen.today.percentile(50), seen.today.percentile(95)),
            (_("30 days"), seen.month.percentile(50), seen.month.percentile(95)),
        ],
        "log": admin_url("faceauth_signin_changelist"),
    }


@register.filter
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


def reasons(today: dashboard.Figures, month: dashboard.Figures) -> list[tuple[str, str, int, int]]:
    """(code, words, today, in the month) for each reason of a refusal, the most frequent first."""
    of_today = dict(today.reasons())
    names = dict(Reason.choices)
    return [(it, str(names.get(it, it)), of_today.get(it, 0), count) for it, count in month.reasons()]


def short(day: date) -> str:
    return formats.date_format(day, "MONTH_DAY_FORMAT")


def visits_chart(seen: dashboard.Dashboard) -> Chart:
    days = list(seen.days.values())
    drawn = [Outcome.RECOGNISED, Outcome.ENROLLED, Outcome.STRANGER, Outcome.REFUSED]
    drawn += [Outcome.THROTTLED, Outcome.UNAVAILABLE]
    return charts.stacked(
        Chart(
            "visits",
            _("Visits in the last 30 days"),
            _("%(count)d visits, a bar for each day, divided by what came of them.")
            % {"count": seen.month.outcomes.total()},
            _("day"),
            [short(day) for day in seen.days],
            [Series(it.value, str(it.label), [day.of(it) for day in days]) for it in drawn],
        )
    )


def similarities_chart(seen: dashboard.Dashboard) -> Chart:
    found = seen.month.similarities
    threshold = thresholds.current().threshold
    least = int(min([thresholds.current().near_match, *(similarity for _let_in, similarity in found)]))
    places = range(least, 101)
    return charts.stacked(
        Chart(
            "similarities",
            _("How similar visitors were, in the last 30 days"),
            _("Visits by their similarity. The door opens from %(threshold)g; there is a line.")
            % {"threshold": round(threshold, 1)},
            _("similarity"),
            [str(place) for place in places],
            [
                Series("recognised", _("recognised"), [found[True, place] for place in places]),
                Series("refused", _("not let in"), [found[False, place] for place in places]),
            ],
        ),
        at=threshold - least,
    )


def latency_chart(seen: dashboard.Dashboard) -> Chart:
    days = list(seen.days.values())
    return charts.lines(
        Chart(
            "latency",
            _("How long Rekognition took, in milliseconds"),
            _("For each day the median and the 95th percentile of a visit's calls."),
            _("day"),
            [short(day) for day in seen.days],
            [
                Series("recognised", _("median"), [day.percentile(50) for day in days]),
                Series("stranger", _("95th percentile"), [day.percentile(95) for day in days]),
            ],
        )
    )
