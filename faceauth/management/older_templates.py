"""Collections of the local service that an earlier version wrote: say so, and convert them."""

from collections.abc import Callable, Iterator

from django.core.management.base import CommandError

from faceauth.conf import conf
from faceauth.management.terminal import CANNOT, NO
from faceauth.operators.findings import REPAIR_HINT, Finding, Kind


def convert(collection_id: str, report: Callable[[int], object]) -> int:
    """Make the templates comparable without a calculation at each reading; returns how many there were."""
    if conf().ENDPOINT != "local":
        message = "The templates are not in this database: convert them where the endpoint is local."
        raise CommandError(message, returncode=CANNOT)
    from faceauth.local import conversion, models  # its tables are only there where the service is installed

    try:
        return conversion.convert(collection_id, report)
    except models.Collection.DoesNotExist as error:
        raise CommandError(f"There is no collection {collection_id} here.", returncode=NO) from error


def older_templates(collection_id: str, repair: bool) -> Iterator[Finding]:
    """Whether an earlier version wrote the templates: they work, at the cost of some time for each that is read."""
    if conf().ENDPOINT != "local":
        return
    from faceauth.local import conversion

    if conversion.is_older(collection_id):
        if repair:
            conversion.convert(collection_id)
        what = "its templates are of an earlier version"
        yield Finding(Kind.OLDER_TEMPLATES, collection_id, what, REPAIR_HINT, repair)
