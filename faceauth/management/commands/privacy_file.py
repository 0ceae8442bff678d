import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from faceauth.privacy import consent_receipts, record


class Command(BaseCommand):
    help = (
        "Write the privacy file of this site from its settings: record of processing, retention schedule, processors,"
        " a draft impact assessment (privacy.md), and the consent receipts of all people (consents.json)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where the two files go; it is made if it is not there")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "privacy.md").write_text(record.document())
        receipts = list(consent_receipts.all_people())
        text = json.dumps(receipts, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        (folder / "consents.json").write_text(text + "\n")
        self.stdout.write(f"{folder / 'privacy.md'}, and {len(receipts)} receipts in {folder / 'consents.json'}.")
