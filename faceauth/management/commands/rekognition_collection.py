"""Create, check, empty, move and delete collections. What an action does is elsewhere; here are its words."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from faceauth.conf import conf
from faceauth.enrolment.faces import add, drop
from faceauth.local.template_encryption import Altered, KeyMissing
from faceauth.management.common import database_message, days, face_id
from faceauth.management.describe import accuracy_rows
from faceauth.management.older_templates import convert, older_templates
from faceauth.management.terminal import BROKEN, INTERRUPTED, NO, ReportingCommand
from faceauth.management.transfer_files import check_endpoint, new_private_file, read_passphrase, transfer_errors
from faceauth.models import Face
from faceauth.operators import reconcile
from faceauth.operators.findings import Finding
from faceauth.outcomes import Outcome, Refusal, sentence
from faceauth.policy import accounts, capacity, thresholds
from faceauth.privacy import forget
from faceauth.rekognition.collection import Collection, list_collections
from faceauth.rekognition.errors import CollectionExists, CollectionMissing, RekognitionError
from faceauth.vision.photos import read_photo

STATUSES = """
exit status:
  0  done
  1  broken: Rekognition, the database or a file did not answer; nothing is wrong with the request
  2  usage: the command cannot be understood, or needs --yes
  3  no: problems are left, a face or user does not exist, or a photo was not used
  4  cannot: impossible at this endpoint (templates do not leave Amazon Rekognition)
  130  stopped at the keyboard; what was done stays done
The reason is on standard error.
"""

EXAMPLES = {
    "create": "create --exist-ok",
    "list": "list --json",
    "describe": "describe --json",
    "delete": "delete --collection trial",
    "faces": "faces | less",
    "delete-faces": "delete-faces 3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77 --yes",
    "doctor": "doctor --repair",
    "expire": "expire --inactive-days 1095 --dry-run",
    "enrol": "enrol maria maria.jpg maria-with-glasses.jpg",
    "convert": "convert",
    "export": "export faces.encrypted --passphrase-file /root/passphrase",
    "import": "import faces.encrypted --passphrase-file /root/passphrase --json",
}


class Command(ReportingCommand):
    help = "Create, list, describe, check, repair, empty, move and delete the collections at the configured endpoint."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        examples = "\n".join(f"  manage.py rekognition_collection {line}" for line in EXAMPLES.values())
        kwargs |= {"epilog": f"examples:\n{examples}\n{STATUSES}"}
        kwargs |= {"formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        self.actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
        create = self.action("create", "create the collection", self.create, "collection")
        create.add_argument("--exist-ok", action="store_true", help="succeed if the collection exists")
        self.action("list", "list the collections at this endpoint", self.list_all)
        self.action("describe", "show what the collection holds, and how sure it is", self.describe, "collection")
        self.action("delete", "delete the collection and all its faces", self.delete, "collection", "yes")
        self.action("faces", "list the enrolled faces", self.faces, "collection")
        delete_faces = self.action("delete-faces", "delete faces", self.delete_faces, "collection", "yes")
        delete_faces.add_argument("face_ids", nargs="+", type=face_id, metavar="FACE_ID")
        text = "health check: compare the collection with the database, both ways"
        check = self.action("doctor", text, self.doctor, "collection")
        check.add_argument("--repair", action="store_true", help="repair what is safe to repair")
        expire = self.action("expire", "forget people who have not signed in for long", self.expire, "yes")
        expire.add_argument("--inactive-days", type=days(1), required=True, help="for how many days at least")
        expire.add_argument("--dry-run", action="store_true", help="name the people, and forget nobody")
        enrol = self.action("enrol", "enrol photos of an existing user", self.enrol)
        enrol.add_argument("username")
        enrol.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
        text = "make the templates of a collection of an earlier version comparable at no cost"
        self.action("convert", text, self.convert_templates, "collection")
        text = "write a collection of the local service, with its templates, into an encrypted file"
        self.action("export", text, self.export_file, "collection", "file")
        text = "read such a file into the local service: all of it, or nothing"
        read = self.action("import", text, self.import_file, "file")
        read.add_argument("--collection", default="", help="the CollectionId (default: the one in the file)")

    def action(self, name: str, text: str, run: Callable[..., None], *arguments: str) -> argparse.ArgumentParser:
        """A subcommand with --json and these shared arguments: `collection`, `yes`, `file`."""
        example = f"example:\n  manage.py rekognition_collection {EXAMPLES[name]}\n{STATUSES}"
        raw = argparse.RawDescriptionHelpFormatter
        sub: argparse.ArgumentParser
        sub = self.actions.add_parser(name, help=text, description=text, epilog=example, formatter_class=raw)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print JSON instead of text, and no progress")
        if "collection" in arguments:
            sub.add_argument("--collection", default=conf().COLLECTION, help="the CollectionId (default: %(default)s)")
        if "yes" in arguments:
            sub.add_argument("--yes", action="store_true", help="do not ask")
        if "file" in arguments:
            sub.add_argument("file", type=Path, metavar="FILE")
            text = "read the passphrase from the first line of this file instead of asking for it"
            sub.add_argument("--passphrase-file", type=Path, metavar="PATH", help=text)
        return sub

    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        try:
            if conf().ENDPOINT == "local":
                Face.objects.exists()  # otherwise missing tables would look like an outage of Rekognition
            run(**options)
            self.stdout.flush()
        except (CollectionExists, CollectionMissing) as error:
            raise CommandError(str(error), returncode=NO) from error
        except (RekognitionError, KeyMissing, Altered) as error:
            raise CommandError(str(error), returncode=BROKEN) from error
        except DatabaseError as error:
            raise CommandError(database_message(error), returncode=BROKEN) from error
        except BrokenPipeError as error:
            # The reader stopped, as in `faces | head`. Without this Python would complain again as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(BROKEN) from error
        except (KeyboardInterrupt, EOFError) as error:  # Ctrl-C, and Ctrl-D at a question
            raise CommandError("Stopped. Run it again to continue.", returncode=INTERRUPTED) from error

    # Collections ------------------------------------------------------------------------------------------------------

    def create(self, collection: str, exist_ok: bool, **options: Any) -> None:
        try:
            arn = Collection(collection).create()
        except CollectionExists:
            if not exist_ok:
                raise
            arn = Collection(collection).describe().arn
        self.report(options, {"collection_id": collection, "arn": arn}, f"The collection {collection} exists: {arn}")

    def list_all(self, **options: Any) -> None:
        found = [{"collection_id": name, "face_model_version": version} for name, version in list_collections()]
        lines = [f"{row['collection_id']}  (face model {row['face_model_version']})" for row in found]
        self.report(options, found, "\n".join(lines) or "There are no collections.")

    def describe(self, collection: str, **options: Any) -> None:
        description = asdict(Collection(collection).describe())
        outlook, current = thresholds.outlook(collection), capacity.current_capacity(collection)
        rows = description | accuracy_rows(outlook, current)
        width = max(map(len, rows))
        lines = [f"{key:{width}}  {value}" for key, value in rows.items()]
        content = description | {"odds": asdict(outlook), "capacity": asdict(current)}
        self.report(options, content, "\n".join(lines))

    def delete(self, collection: str, yes: bool, **options: Any) -> None:
        count = Collection(collection).describe().face_count
        self.ask(yes, f"Delete the collection {collection} with {count} faces? Nobody in it will be recognised again.")
        forget.delete_collection(collection)
        self.report(options, {"collection_id": collection, "deleted_faces": count}, f"{collection} was deleted.")

    # Faces and people -------------------------------------------------------------------------------------------------

    def faces(self, collection: str, **options: Any) -> None:
        faces = Collection(collection).faces()
        if options["json"]:
            self.stream_json(map(asdict, faces))
            return
        for face in faces:
            self.stdout.write(f"{face.face_id}  {face.external_id or '-'}")

    def delete_faces(self, collection: str, face_ids: list[str], yes: bool, **options: Any) -> None:
        self.ask(yes, f"Delete {len(face_ids)} faces of the collection {collection}?")
        deletion = drop(Collection(collection), face_ids)
        lines = [f"{name}  deleted" for name in deletion.deleted]
        lines += [f"{name}  not found" for name in deletion.unknown]
        lines += [f"{name}  not deleted: {reason}" for name, reason in deletion.failed.items()]
        self.report(options, asdict(deletion), "\n".join(lines))
        if deletion.unknown or deletion.failed:
            count = len(deletion.unknown) + len(deletion.failed)
            status = BROKEN if deletion.failed else NO
            raise CommandError(f"{count} of the faces could not be deleted.", returncode=status)

    def doctor(self, collection: str, repair: bool, **options: Any) -> None:
        counts: Counter[bool] = Counter()
        expected = Face.objects.filter(collection_id=collection).count()

        def counted(bar: Any) -> Iterator[Finding]:
            found = reconcile.reconciled(collection, repair, lambda count: bar.update(count - bar.n))
            for finding in chain(older_templates(collection, repair), found):
                counts[finding.repaired] += 1
                yield finding

        with self.progress(options, "faces", expected) as bar:
            if options["json"]:
                self.stream_json(map(asdict, counted(bar)))
            else:
                for finding in counted(bar):
                    then = "repaired" if finding.repaired else finding.cure
                    self.line(f"{finding.kind:20}  {finding.subject:36}  {finding.what}; {then}")
        if not options["json"]:
            self.stdout.write(f"{counts.total()} found, {counts[True]} repaired." if counts else "No problems found.")
        if counts[False]:
            raise CommandError(f"{counts[False]} not repaired.", returncode=NO)

    def expire(self, inactive_days: int, dry_run: bool, yes: bool, **options: Any) -> None:
        if not dry_run:
            self.ask(yes, f"Forget everybody who has not signed in for {inactive_days} days, and all that is theirs?")
        names: list[str] = []
        count = pending = 0
        with self.progress(options, "people") as bar:
            for person in forget.expire(inactive_days, dry_run):
                count += 1
                pending += person.faces_pending
                names += [person.name] if dry_run else []
                if not options["json"]:
                    self.line(f"{person.name}  last sign-in {person.last_login or 'was the enrolment'}")
                bar.update()
        data: dict[str, Any] = {"people": count, "dry_run": dry_run, "faces_pending": pending}
        data |= {"would_be": names} if dry_run else {}
        self.report(options, data, f"{count} people {'would be' if dry_run else 'were'} forgotten.")
        if pending:
            message = f"{pending} faces could not be deleted yet: `doctor --repair` tries again."
            raise CommandError(message, returncode=BROKEN)

    def enrol(self, username: str, photos: list[Path], **options: Any) -> None:
        model = get_user_model()
        user = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
        if user is None:
            raise CommandError(f"There is no user {username}.", returncode=NO)
        if not accounts.may_sign_in(user):
            raise CommandError(f"{username} is an operator or inactive, and cannot sign in by face.", returncode=NO)
        refused: dict[str, str] = {}
        with self.progress(options, "photos", len(photos)) as bar:
            for path in photos:
                refusal = enrol_file(user, path)
                if refusal:
                    refused[str(path)] = refusal
                bar.update()
        data = {"user": username, "faces": user.faces.count(), "refused": refused}
        lines = [f"{path}  {reason}" for path, reason in refused.items()]
        self.report(options, data, "\n".join([*lines, f"{username} has {user.faces.count()} faces."]))
        if refused:
            raise CommandError(f"{len(refused)} of {len(photos)} photos were not used.", returncode=NO)

    # What only the local service can do -------------------------------------------------------------------------------

    def convert_templates(self, collection: str, **options: Any) -> None:
        with self.progress(options, "templates") as bar:
            done = convert(collection, lambda count: bar.update(count - bar.n))
        text = f"{done} templates were converted." if done else f"The templates of {collection} need no conversion."
        self.report(options, {"collection_id": collection, "converted": done}, text)

    def export_file(self, file: Path, passphrase_file: Path | None, collection: str, **options: Any) -> None:
        check_endpoint()
        if file.exists():
            raise CommandError(f"{file} exists, and is not replaced.", returncode=NO)
        passphrase = read_passphrase(passphrase_file, new=True)
        from faceauth.local import transfer

        with self.progress(options, "rows") as bar, transfer_errors(file), new_private_file(file) as written:
            moved = transfer.export_collection(collection, passphrase, written, lambda count: bar.update(count - bar.n))
        text = f"{moved.faces} faces and {moved.users} vectors of {moved.collection_id} are in {file}."
        self.report(options, asdict(moved) | {"file": str(file)}, text + " Its passphrase opens it: keep both safe.")

    def import_file(self, file: Path, passphrase_file: Path | None, collection: str, **options: Any) -> None:
        check_endpoint()
        passphrase = read_passphrase(passphrase_file, new=False)
        from faceauth.local import transfer

        with self.progress(options, "rows") as bar, transfer_errors(file), file.open("rb") as read:
            moved = transfer.import_collection(collection, passphrase, read, lambda count: bar.update(count - bar.n))
        text = f"{moved.faces} faces and {moved.users} vectors are in {moved.collection_id} now;"
        self.report(options, asdict(moved) | {"file": str(file)}, f"{text} {moved.there} were there before.")


def enrol_file(user: Any, path: Path) -> str:
    """Enrol the photo; why it could not be used, or nothing."""
    try:
        photo = read_photo(path.read_bytes())
    except OSError as error:
        return str(error.strerror)
    if isinstance(photo, Refusal):
        return sentence(Outcome.REFUSED, photo.reason)
    with photo:
        recognition = add(user, photo)
    return "" if recognition.user else f"{recognition.reason}: {sentence(recognition.outcome, recognition.reason)}"
