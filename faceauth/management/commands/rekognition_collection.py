"""Own the collection's life: make it, look at it, mend it, empty it, end it."""

import argparse
import json
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from faceauth import doctor, looks, odds, people
from faceauth.conf import conf
from faceauth.images import read_photo
from faceauth.local.sealing import KeyMissing, Tampered
from faceauth.models import Deletion, Face
from faceauth.outcomes import Outcome, Refusal, sentence
from faceauth.rekognition.collection import Collection, list_collections
from faceauth.rekognition.errors import CollectionExists, RekognitionError

EXAMPLES = """
examples:
  manage.py rekognition_collection create
  manage.py rekognition_collection describe --json
  manage.py rekognition_collection faces | less
  manage.py rekognition_collection delete-faces 3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77 --yes
  manage.py rekognition_collection delete --collection trial
  manage.py rekognition_collection doctor --repair
  manage.py rekognition_collection expire --inactive-days 1095 --dry-run
  manage.py rekognition_collection enrol maria maria.jpg maria-with-glasses.jpg

exit status: 0 done, 1 not done (the reason is on standard error); doctor: 0 only when nothing is left to mend
"""


class Command(BaseCommand):
    help = "Create, list, describe, mend, empty and delete the collections of faces at the endpoint of the settings."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

        def action(name: str, text: str, run: Callable[..., None]) -> argparse.ArgumentParser:
            sub = actions.add_parser(name, help=text, description=text)
            sub.set_defaults(run=run)
            sub.add_argument("--json", action="store_true", help="print JSON instead of text")
            return sub

        def on_collection(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
            sub.add_argument("--collection", default=conf().COLLECTION, help="the CollectionId (default: %(default)s)")
            return sub

        def destructive(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
            sub.add_argument("--yes", action="store_true", help="do not ask")
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
        expire.add_argument("--inactive-days", type=days, required=True, help="for how many days at least")
        expire.add_argument("--dry-run", action="store_true", help="say who it would be, and forget nobody")
        enrol = action("enrol", "give an existing user a face, or more looks", self.run_enrol)
        enrol.add_argument("username")
        enrol.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
        action("rotate-keys", "seal the templates of the local service with the first key", self.run_rotate_keys)

    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        try:
            run(**options)
        except (RekognitionError, KeyMissing, Tampered) as error:
            raise CommandError(str(error)) from error

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
        rows = description | rows_of(outlook)
        width = max(map(len, rows))
        lines = [f"{key:{width}}  {value}" for key, value in rows.items()]
        self.report(options, description | {"odds": asdict(outlook)}, "\n".join(lines))

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
            raise CommandError(f"{len(deletion.unknown) + len(deletion.failed)} of the faces could not be deleted.")

    def run_doctor(self, collection: str, repair: bool, **options: Any) -> None:
        counts: Counter[bool] = Counter()

        def counted() -> Iterator[doctor.Finding]:
            for finding in doctor.examine(collection, repair, self.looked_at):
                counts[finding.mended] += 1
                yield finding

        if options["json"]:
            self.stream_json(map(asdict, counted()))
        else:
            for finding in counted():
                done = "mended" if finding.mended else finding.cure
                self.stdout.write(f"{finding.kind:20}  {finding.subject:36}  {finding.what}; {done}")
            told = f"{counts.total()} found, {counts[True]} mended." if counts else "Everything is as it should be."
            self.stdout.write(told)
        if counts[False]:
            raise CommandError(f"{counts[False]} left to mend.")

    def looked_at(self, count: int) -> None:
        self.progress(f"{count:,} faces looked at")

    def run_expire(self, inactive_days: int, dry_run: bool, yes: bool, **options: Any) -> None:
        if not dry_run:
            self.ask(yes, f"Forget everybody who has not come for {inactive_days} days, with all they have written?")
        forgotten, pending = 0, 0
        for user in people.expired(inactive_days):
            name = user.get_username()
            if not options["json"]:
                self.stdout.write(f"{name}  last came {user.last_login or 'when they were remembered'}")
            if not dry_run:
                pending += people.forget(user).deletions.filter(confirmed=None).count()
            forgotten += 1
            if forgotten % 100 == 0:
                self.progress(f"{forgotten:,} people")
        data = {"people": forgotten, "dry_run": dry_run, "faces_pending": pending}
        text = f"{forgotten} people {'would be' if dry_run else 'were'} forgotten."
        self.report(options, data, text + (f" {pending} faces wait in the ledger: see doctor." if pending else ""))
        if pending:
            raise CommandError(f"{pending} faces could not be deleted yet: `doctor --repair` tries again.")

    def run_enrol(self, username: str, photos: list[Path], **options: Any) -> None:
        model = get_user_model()
        user = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        if not people.may_enter(user):
            raise CommandError(f"{username} is an operator or inactive, and does not come in by face.")
        refused: dict[str, str] = {}
        for path in photos:
            refusal = self.enrol(user, path)
            if refusal:
                refused[str(path)] = refusal
        data = {"user": username, "faces": user.faces.count(), "refused": refused}
        lines = [f"{path}  {reason}" for path, reason in refused.items()]
        self.report(options, data, "\n".join([*lines, f"{username} has {user.faces.count()} faces."]))
        if refused:
            raise CommandError(f"{len(refused)} of {len(photos)} photos were not used.")

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

    def run_rotate_keys(self, **options: Any) -> None:
        if conf().ENDPOINT != "local":
            raise CommandError("The templates are not in this database: rotate the keys where the endpoint is local.")
        from faceauth.local.rotation import rotate_keys  # its tables are only there where the service is installed

        done = 0
        for progress in rotate_keys():
            done = progress.done
            self.progress(f"{progress.done:,} of {progress.total:,} templates")
        text = f"{done} templates were sealed with the first key. The others are no longer needed for faces."
        self.report(options, {"sealed": done}, text)

    def progress(self, text: str) -> None:
        self.stderr.write(text)

    def ask(self, yes: bool, question: str) -> None:
        """Go on only after a yes. Without a terminal nobody can answer, so nothing is destroyed."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{question} Nobody is here to answer: run it again with --yes.")
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was changed.")

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


def rows_of(outlook: odds.Outlook) -> dict[str, str]:
    """What describe says about the odds."""

    def needs(needed: odds.Needed) -> str:
        frames = "" if needed.frames == 1 else f", mean of {needed.frames} frames"
        lock = " before the second lock, which is required" if needed.lock else ""
        return f"similarity {needed.threshold:.2f}{frames}; a stranger gets in with {odds.as_words(needed.odds)}{lock}"

    def since(people: int | None) -> str:
        return f"from {people:,} people on" if people else "never"

    return {
        "people": f"{outlook.people:,}, with {outlook.faces:,} looks",
        "threshold": str(conf().THRESHOLD) + ("" if outlook.is_measured else ", on a scale that was not measured here"),
        "odds_at_most": odds.as_words(outlook.limit),
        "photo": needs(outlook.photo),
        "look": needs(outlook.look),
        "several_frames": since(outlook.frames_from),
        "second_lock": f"photo: {since(outlook.photo_lock_from)}; look: {since(outlook.look_lock_from)}",
    }


def days(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return int(text)


def face_id(text: str) -> str:
    """A FaceId is a lowercase UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a FaceId, which is a UUID") from error
