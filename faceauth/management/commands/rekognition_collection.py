"""Own the collection's life: make it, look at it, empty it, end it."""

import argparse
import json
import sys
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceauth.conf import conf
from faceauth.local.sealing import KeyMissing, Tampered
from faceauth.models import Face
from faceauth.rekognition.collection import Collection, list_collections
from faceauth.rekognition.errors import CollectionExists, RekognitionError

EXAMPLES = """
examples:
  manage.py rekognition_collection create
  manage.py rekognition_collection describe --json
  manage.py rekognition_collection faces | less
  manage.py rekognition_collection delete-faces 3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77 --yes
  manage.py rekognition_collection delete --collection trial

exit status: 0 done, 1 not done (the reason is on standard error)
"""


class Command(BaseCommand):
    help = "Create, list, describe, empty and delete the collections of faces at the endpoint of the settings."

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
        width = max(map(len, description))
        self.report(options, description, "\n".join(f"{key:{width}}  {value}" for key, value in description.items()))

    def run_delete(self, collection: str, yes: bool, **options: Any) -> None:
        count = Collection(collection).describe().face_count
        self.ask(yes, f"Delete the collection {collection} with {count} faces? Nobody in it will be recognised again.")
        Collection(collection).delete()
        Face.objects.filter(collection_id=collection).delete()
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
        deletion = Collection(collection).delete_faces(face_ids)
        Face.objects.filter(face_id__in=[*deletion.deleted, *deletion.unknown]).delete()
        lines = [f"{name}  deleted" for name in deletion.deleted]
        lines += [f"{name}  not there" for name in deletion.unknown]
        lines += [f"{name}  not deleted: {reason}" for name, reason in deletion.failed.items()]
        self.report(options, asdict(deletion), "\n".join(lines))
        if deletion.unknown or deletion.failed:
            raise CommandError(f"{len(deletion.unknown) + len(deletion.failed)} of the faces could not be deleted.")

    def run_rotate_keys(self, **options: Any) -> None:
        if conf().ENDPOINT != "local":
            raise CommandError("The templates are not in this database: rotate the keys where the endpoint is local.")
        from faceauth.local.rotation import rotate_keys  # its tables are only there where the service is installed

        done = 0
        for progress in rotate_keys():
            done = progress.done
            if self.stdout.isatty():
                self.stdout.write(f"\r{progress.done} of {progress.total}", ending="")
        if self.stdout.isatty():
            self.stdout.write("")
        text = f"{done} templates were sealed with the first key. The others are no longer needed for faces."
        self.report(options, {"sealed": done}, text)

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


def face_id(text: str) -> str:
    """A FaceId is a lowercase UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a FaceId, which is a UUID") from error
