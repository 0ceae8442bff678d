from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from privatekit import rotation
from privatekit.crypto import CannotDecrypt


class Command(BaseCommand):
    help = (
        "Encrypts with the first of SECRETLY_ENCRYPTION_KEYS whatever is under another key: people's keys to their"
        " notes, the secrets of authenticator apps, the templates of faces on this machine. Restart the site with the"
        " new key in front and the old one behind it, then run this. It can be repeated. When it ends without an error"
        " the old key can go."
    )
    requires_system_checks = ()  # the checks that name a missing key would stop this; here it is an error of one step

    def handle(self, *args: Any, **options: Any) -> None:
        failed = []
        for name, step in rotation.steps.items():
            done = 0
            try:
                with tqdm(desc=name, disable=None, leave=False) as bar:  # None: only on a terminal
                    for progress in step():
                        done, bar.total = progress.done, progress.total
                        bar.update(done - bar.n)
            except CannotDecrypt as error:
                failed.append(f"{name}: {error}")
            self.stdout.write(f"{name}: {done} moved to the first key.")
        if failed:
            raise CommandError("\n".join(["Keep the old keys: not everything was moved.", *failed]))
