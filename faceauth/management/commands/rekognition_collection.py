"""Own the collection's life: make it, look at it, mend it, empty it, end it."""

import argparse
import getpass
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from faceauth import crowd, doctor, looks, odds, people
from faceauth.conf import conf
from faceauth.crowd import Crowd
from faceauth.images import read_photo
from faceauth.local.template_encryption import KeyMissing, Tampered
from faceauth.management.common import days, unanswered
from faceauth.models import Deletion, Face
from faceauth.outcomes import Outcome, Refusal, sentence
from faceauth.rekognition.collection import Collection, list_collections
from faceauth.rekognition.errors import CollectionExists, CollectionMissing, RekognitionError

DONE, BROKEN, USAGE, NO, CANNOT, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit statuses. `argparse` has taken 2 for usage, and shells have taken 128 + SIGINT for Ctrl-C."""

STATUSES = """
exit status:
  0  done
  1  broken: Rekognition, the database or a file did not answer; nothing is wrong with the request
  2  usage: the command cannot be understood, or asks for a --yes
  3  no: it was asked, and the answer is no (drift is left, a face or user is not there, a photo was not used)
  4  cannot: never at this endpoint (templates do not leave Amazon Rekognition)
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
    "rotate-keys": "rotate-keys",
    "convert": "convert",
    "export": "export faces.secretly --passphrase-file /root/passphrase",
    "import": "import faces.secretly --passphrase-file /root/passphrase --json",
}

LEAST_PASSPHRASE = 12  # characters: what the file protects cannot be changed like a password


class Command(BaseCommand):
    help = "Create, list, describe, mend, empty, move and delete the collections of faces at the settings' endpoint."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        examples = "\n".join(f"  manage.py rekognition_collection {line}" for line in EXAMPLES.values())
        kwargs |= {"epilog": f"examples:\n{examples}\n{STATUSES}"}
        kwargs |= {"formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

        def action(name: str, text: str, run: Callable[..., None]) -> argparse.ArgumentParser:
            example = f"example:\n  manage.py rekognition_collection {EXAMPLES[name]}\n{STATUSES}"
            plain = argparse.RawDescriptionHelpFormatter
            sub = actions.add_parser(name, help=text, description=text, epilog=example, formatter_class=plain)
            sub.set_defaults(run=run)
            sub.add_argument("--json", action="store_true", help="print JSON instead of text, and no progress")
            return sub

        def on_collection(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
            sub.add_argument("--collection", default=conf().COLLECTION, help="the CollectionId (default: %(default)s)")
            return sub

        def destructive(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
            sub.add_argument("--yes", action="store_true", help="do not ask")
            return sub

        def with_file(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
            sub.add_argument("file", type=Path, metavar="FILE")
            text = "read the passphrase from the first line of this file, instead of asking for it"
            sub.add_argument("--passphrase-file", type=Path, metavar="PATH", help=text)
            return sub

        create = on_collection(action("create", "make the collection", self.run_create))
        create.add_argument("--exist-ok", action="store_true", help="an existing collection is not an error")
        action("list", "list the collections at this endpoint", self.run_list)
        on_collection(action("describe", "show what the collection holds", self.run_describe))
        destructive(on_collection(action("delete", "delete the collection and all its faces", self.run_delete)))
        on_collection(action("faces", "list the remembered faces", self.run_faces))
        delete_faces = destructive(on_collection(action("delete-faces", "forget faces", self.run_delete_faces)))
        delete_faces.add_argument("face_ids", nargs="+", type=face_id, metavar="FACE_ID")
        check = on_collection(action("doctor", "compare the collection and the database, both ways", self.run_doctor))
        check.add_argument("--repair", action="store_true", help="mend what is safe to mend")
        expire = destructive(action("expire", "forget people who have not come for long", self.run_expire))
        expire.add_argument("--inactive-days", type=days(1), required=True, help="for how many days at least")
        expire.add_argument("--dry-run", action="store_true", help="say who it would be, and forget nobody")
        enrol = action("enrol", "give an existing user a face, or more looks", self.run_enrol)
        enrol.add_argument("username")
        enrol.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
        action("rotate-keys", "seal the templates of the local service with the first key", self.run_rotate_keys)
        text = "make the templates of a collection of an earlier version comparable at no cost"
        on_collection(action("convert", text, self.run_convert))
        text = "write a collection of the local service, with its templates, into an encrypted file"
        with_file(on_collection(action("export", text, self.run_export)))
        text = "take such a file into the local service: all of it, or nothing"
        taking = with_file(action("import", text, self.run_import))
        taking.add_argument("--collection", default="", help="the CollectionId (default: the one that the file names)")

    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        try:
            if conf().ENDPOINT == "local":
                Face.objects.exists()  # or a database without tables would be an outage of Rekognition
            run(**options)
            self.stdout.flush()
        except (CollectionExists, CollectionMissing) as error:
            raise CommandError(str(error), returncode=NO) from error
        except (RekognitionError, KeyMissing, Tampered) as error:
            raise CommandError(str(error), returncode=BROKEN) from error
        except DatabaseError as error:
            raise CommandError(unanswered(error), returncode=BROKEN) from error
        except BrokenPipeError as error:
            # Whoever reads has seen enough, as `faces | less` does. Python would complain once more as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(BROKEN) from error
        except (KeyboardInterrupt, EOFError) as error:  # Ctrl-C, and Ctrl-D where something is asked
            raise CommandError("Stopped. It can be said again.", returncode=INTERRUPTED) from error

    def run_create(self, collection: str, exist_ok: bool, **options: Any) -> None:
        try:
            arn = Collection(collection).create()
        except CollectionExists:
            if not exist_ok:
                raise
            arn = Collection(collection).describe().arn
        self.report(options, {"collection_id": collection, "arn": arn}, f"The collection {collection} is there: {arn}")

    def run_list(self, **options: Any) -> None:
        found = [{"collection_id": name, "face_model_version": version} for name, version in list_collections()]
        lines = [f"{row['collection_id']}  (face model {row['face_model_version']})" for row in found]
        self.report(options, found, "\n".join(lines) or "There is no collection.")

    def run_describe(self, collection: str, **options: Any) -> None:
        description = asdict(Collection(collection).describe())
        outlook = odds.outlook(collection)
        here = crowd.standing(collection)
        rows = description | rows_of(outlook, here)
        width = max(map(len, rows))
        lines = [f"{key:{width}}  {value}" for key, value in rows.items()]
        content = description | {"odds": asdict(outlook), "crowd": asdict(here)}
        self.report(options, content, "\n".join(lines))

    def run_delete(self, collection: str, yes: bool, **options: Any) -> None:
        count = Collection(collection).describe().face_count
        self.ask(yes, f"Delete the collection {collection} with {count} faces? Nobody in it will be recognised again.")
        Collection(collection).delete()
        gone = Face.objects.filter(collection_id=collection)
        gone._raw_delete(using=gone.db)  # without the ledger: there is nothing left to ask for
        Deletion.objects.filter(collection_id=collection, confirmed=None).update(confirmed=timezone.now())
        self.report(options, {"collection_id": collection, "deleted_faces": count}, f"{collection} is deleted.")

    def run_faces(self, collection: str, **options: Any) -> None:
        faces = Collection(collection).faces()
        if options["json"]:
            self.stream_json(map(asdict, faces))
            return
        for face in faces:
            self.stdout.write(f"{face.face_id}  {face.external_id or '-'}")

    def run_delete_faces(self, collection: str, face_ids: list[str], yes: bool, **options: Any) -> None:
        self.ask(yes, f"Forget {len(face_ids)} faces of the collection {collection}?")
        deletion = looks.drop(Collection(collection), face_ids)
        lines = [f"{name}  deleted" for name in deletion.deleted]
        lines += [f"{name}  not there" for name in deletion.unknown]
        lines += [f"{name}  not deleted: {reason}" for name, reason in deletion.failed.items()]
        self.report(options, asdict(deletion), "\n".join(lines))
        if deletion.unknown or deletion.failed:
            count = len(deletion.unknown) + len(deletion.failed)
            status = BROKEN if deletion.failed else NO
            raise CommandError(f"{count} of the faces could not be deleted.", returncode=status)

    def run_doctor(self, collection: str, repair: bool, **options: Any) -> None:
        counts: Counter[bool] = Counter()
        expected = Face.objects.filter(collection_id=collection).count()

        def counted(bar: Any) -> Iterator[doctor.Finding]:
            examined = doctor.examined(collection, repair, lambda count: bar.update(count - bar.n))
            for finding in chain(older_templates(collection, repair), examined):
                counts[finding.mended] += 1
                yield finding

        with self.progress(options, "faces", expected) as bar:
            if options["json"]:
                self.stream_json(map(asdict, counted(bar)))
            else:
                for finding in counted(bar):
                    done = "mended" if finding.mended else finding.cure
                    self.say(f"{finding.kind:20}  {finding.subject:36}  {finding.what}; {done}")
        if not options["json"]:
            told = f"{counts.total()} found, {counts[True]} mended." if counts else "Everything is as it should be."
            self.stdout.write(told)
        if counts[False]:
            raise CommandError(f"{counts[False]} left to mend.", returncode=NO)

    def run_expire(self, inactive_days: int, dry_run: bool, yes: bool, **options: Any) -> None:
        if not dry_run:
            self.ask(yes, f"Forget everybody who has not come for {inactive_days} days, with all they have written?")
        forgotten, pending = 0, 0
        would_be: list[str] = []
        with self.progress(options, "people") as bar:
            for user in people.expired(inactive_days):
                name, came = user.get_username(), user.last_login
                if not dry_run:
                    receipt = people.forget_if_away(user)
                    if receipt is None:  # they have come while others were being forgotten
                        continue
                    pending += receipt.deletions.filter(confirmed=None).count()
                if dry_run:
                    would_be.append(name)
                if not options["json"]:
                    self.say(f"{name}  last came {came or 'when they were remembered'}")
                forgotten += 1
                bar.update()
        data: dict[str, Any] = {"people": forgotten, "dry_run": dry_run, "faces_pending": pending}
        data |= {"would_be": would_be} if dry_run else {}
        text = f"{forgotten} people {'would be' if dry_run else 'were'} forgotten."
        self.report(options, data, text + (f" {pending} faces wait in the ledger: see doctor." if pending else ""))
        if pending:
            message = f"{pending} faces could not be deleted yet: `doctor --repair` tries again."
            raise CommandError(message, returncode=BROKEN)

    def run_enrol(self, username: str, photos: list[Path], **options: Any) -> None:
        model = get_user_model()
        user = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
        if user is None:
            raise CommandError(f"There is no user {username}.", returncode=NO)
        if not people.may_enter(user):
            message = f"{username} is an operator or inactive, and does not come in by face."
            raise CommandError(message, returncode=NO)
        refused: dict[str, str] = {}
        with self.progress(options, "photos", len(photos)) as bar:
            for path in photos:
                refusal = self.enrol(user, path)
                if refusal:
                    refused[str(path)] = refusal
                bar.update()
        data = {"user": username, "faces": user.faces.count(), "refused": refused}
        lines = [f"{path}  {reason}" for path, reason in refused.items()]
        self.report(options, data, "\n".join([*lines, f"{username} has {user.faces.count()} faces."]))
        if refused:
            raise CommandError(f"{len(refused)} of {len(photos)} photos were not used.", returncode=NO)

    def enrol(self, user: Any, path: Path) -> str:
        """Why the photo could not be used, or nothing."""
        try:
            photo = read_photo(path.read_bytes())
        except OSError as error:
            return str(error.strerror)
        if isinstance(photo, Refusal):
            return sentence(Outcome.REFUSED, photo.reason)
        with photo:
            recognition = looks.add(user, photo)
        return "" if recognition.user else f"{recognition.reason}: {sentence(recognition.outcome, recognition.reason)}"

    # What only the local service has ----------------------------------------------------------------------------------

    def run_rotate_keys(self, **options: Any) -> None:
        if conf().ENDPOINT != "local":
            message = "The templates are not in this database: rotate the keys where the endpoint is local."
            raise CommandError(message, returncode=CANNOT)
        from faceauth.local.key_rotation import rotate_keys  # its tables are only there where the service is installed

        done = 0
        with self.progress(options, "templates") as bar:
            for progress in rotate_keys():
                done, bar.total = progress.done, progress.total
                bar.update(done - bar.n)
        text = f"{done} templates were sealed with the first key. The others are no longer needed for faces."
        self.report(options, {"sealed": done}, text)

    def run_convert(self, collection: str, **options: Any) -> None:
        if conf().ENDPOINT != "local":
            message = "The templates are not in this database: convert them where the endpoint is local."
            raise CommandError(message, returncode=CANNOT)
        from faceauth.local import conversion, models

        with self.progress(options, "templates") as bar:
            try:
                done = conversion.convert(collection, lambda done: bar.update(done - bar.n))
            except models.Collection.DoesNotExist as error:
                raise CommandError(f"There is no collection {collection} here.", returncode=NO) from error
        text = f"{done} templates were converted." if done else f"The templates of {collection} need no conversion."
        self.report(options, {"collection_id": collection, "converted": done}, text)

    def run_export(self, file: Path, passphrase_file: Path | None, collection: str, **options: Any) -> None:
        self.only_local()
        if file.exists():
            raise CommandError(f"{file} is there already, and is not written over.", returncode=NO)
        passphrase = self.passphrase(passphrase_file, twice=True)
        from faceauth.local import transfer

        with self.progress(options, "rows") as bar, self.not_moved(file), fresh_file(file) as written:
            moved = transfer.export_collection(collection, passphrase, written, lambda count: bar.update(count - bar.n))
        text = f"{moved.faces} faces and {moved.users} vectors of {moved.collection_id} are in {file}."
        self.report(options, asdict(moved) | {"file": str(file)}, text + " Whoever has its passphrase has them.")

    def run_import(self, file: Path, passphrase_file: Path | None, collection: str, **options: Any) -> None:
        self.only_local()
        passphrase = self.passphrase(passphrase_file, twice=False)
        from faceauth.local import transfer

        with self.progress(options, "rows") as bar, self.not_moved(file), file.open("rb") as read:
            moved = transfer.import_collection(collection, passphrase, read, lambda count: bar.update(count - bar.n))
        text = f"{moved.faces} faces and {moved.users} vectors came into {moved.collection_id};"
        self.report(options, asdict(moved) | {"file": str(file)}, f"{text} {moved.there} were there already.")

    def only_local(self) -> None:
        if conf().ENDPOINT == "aws":
            message = "Templates cannot leave Amazon Rekognition, nor be brought there: enrol the people from photos."
            raise CommandError(message, returncode=CANNOT)
        if conf().ENDPOINT != "local":
            message = (
                f"The templates are where {conf().ENDPOINT} runs: say this there, with REKOGNITION_ENDPOINT=local."
            )
            raise CommandError(message, returncode=CANNOT)

    @contextmanager
    def not_moved(self, file: Path) -> Iterator[None]:
        from faceauth.local.passphrase_file import CannotDecrypt, NotOurFile
        from faceauth.local.transfer import CannotTransfer

        try:
            yield
        except (CannotDecrypt, CannotTransfer, NotOurFile) as error:
            raise CommandError(str(error), returncode=NO) from error
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.", returncode=BROKEN) from error

    def passphrase(self, path: Path | None, twice: bool) -> str:
        """From a file or a terminal; never from the command line, which every process of the machine can read."""
        if path is not None:
            try:
                text = path.read_text().split("\n")[0]
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(f"The passphrase cannot be read from {path}.", returncode=BROKEN) from error
        elif sys.stdin.isatty():
            text = getpass.getpass("Passphrase: ")
            if twice and getpass.getpass("Again: ") != text:
                raise CommandError("These are two passphrases. Nothing was written.", returncode=NO)
        else:
            raise CommandError("Nobody is here to type a passphrase: name a --passphrase-file.", returncode=USAGE)
        if twice and len(text) < LEAST_PASSPHRASE:
            message = f"A passphrase has {LEAST_PASSPHRASE} characters or more: `openssl rand -base64 24` makes one."
            raise CommandError(message, returncode=USAGE)
        return text

    # Speaking ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def progress(self, options: dict[str, Any], unit: str, total: int | None = None) -> Iterator[Any]:
        """A bar on a terminal, and nothing in a pipe or with --json."""
        shown = sys.stderr.isatty() and sys.stdout.isatty() and not options["json"]
        with tqdm(total=total, unit=f" {unit}", leave=False, disable=not shown, file=sys.stderr) as bar:
            yield bar

    def say(self, line: str) -> None:
        """A line while a bar may be on the terminal."""
        with tqdm.external_write_mode(file=sys.stdout):
            self.stdout.write(line)

    def ask(self, yes: bool, question: str) -> None:
        """Go on only after a yes. Without a terminal nobody can answer, so nothing is destroyed."""
        if yes:
            return
        if not sys.stdin.isatty():
            message = f"{question} Nobody is here to answer: run it again with --yes."
            raise CommandError(message, returncode=USAGE)
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was changed.", returncode=NO)

    def report(self, options: dict[str, Any], data: Any, text: str) -> None:
        self.stdout.write(json.dumps(data, default=str, indent=2) if options["json"] else text)

    def stream_json(self, rows: Iterable[dict[str, Any]]) -> None:
        """A JSON array, a row at a time: a collection may hold millions."""
        separator = "["
        for row in rows:
            self.stdout.write(separator, ending="")
            self.stdout.write(json.dumps(row), ending="")
            separator = ",\n"
        self.stdout.write("]" if separator != "[" else "[]")


def rows_of(outlook: odds.Outlook, here: Crowd) -> dict[str, str]:
    """What describe says about the odds."""

    def needs(needed: odds.Needed) -> str:
        frames = "" if needed.frames == 1 else f", mean of {needed.frames} frames"
        lock = " before the second lock, which is required" if needed.lock else ""
        return f"similarity {needed.threshold:.2f}{frames}; a stranger gets in with {odds.as_words(needed.odds)}{lock}"

    def since(people: int | None) -> str:
        return f"from {people:,} people on" if people else "never"

    then = ", who are refused" if here.shut_out else ", so nobody new is remembered" if here.full else ""
    return {
        "people": f"{outlook.people:,}, enrolled on {outlook.occasions:,} occasions",
        "threshold": str(conf().THRESHOLD) + ("" if outlook.is_measured else ", on a scale that was not measured here"),
        "odds_at_most": odds.as_words(outlook.limit),
        "photo": needs(outlook.photo),
        "look": needs(outlook.look),
        "several_frames": since(outlook.frames_from),
        "second_lock": f"photo: {since(outlook.photo_lock_from)}; look: {since(outlook.look_lock_from)}",
        "without_one": f"{here.without_lock:,} people{then}",
    }


def older_templates(collection: str, repair: bool) -> Iterator[doctor.Finding]:
    """A local collection of an earlier version: it works, at the cost of some time for each template that is read."""
    if conf().ENDPOINT != "local":
        return
    from faceauth.local import conversion

    if conversion.is_older(collection):
        if repair:
            conversion.convert(collection)
        what = "its templates are of an earlier version"
        yield doctor.Finding(doctor.Kind.OLDER_TEMPLATES, collection, what, doctor.MEND, repair)


@contextmanager
def fresh_file(path: Path) -> Iterator[BinaryIO]:
    """A file that its owner alone can read, which gets its content at once and whole, and never over another."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # memory sticks know no hard links
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def face_id(text: str) -> str:
    """A FaceId is a lowercase UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a FaceId, which is a UUID") from error
