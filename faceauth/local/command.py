"""Serve Rekognition's face collections over HTTP: the arguments of the command, and what it does with them."""

import argparse
import ipaddress
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from faceauth.conf import conf
from faceauth.local.options import Options, configure

HELP = "Serve Rekognition's face collections over HTTP, for AWS's own clients."


class CannotServe(Exception):
    """The arguments contradict each other; the message has the cure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--bind", default="127.0.0.1:5005", help="ADDRESS:PORT, with port 0 for a free one, or unix:PATH (%(default)s)")
    add("--workers", type=int, default=1, help="processes; one for each core is enough (%(default)s)")
    add("--accept-any-credentials", action="store_true", help="verify no signatures; on the loopback interface only")
    add("--s3", default="", metavar="URL|FOLDER", help="where S3Objects are: an S3 endpoint, or a folder of buckets")
    add("--strict", action="store_true", help="refuse facial attributes that are not measured; else they are left out")
    add("--cors-origin", action="append", default=[], metavar="ORIGIN", help="let scripts of this origin call, too")
    add("--max-rate", type=float, default=0, metavar="N", help="throttle beyond N requests a second")
    add("--error-rate", type=share, default=0, metavar="SHARE", help="fail this share of requests, 0 to 1, retryably")
    add(
        "--memory", type=int, default=600, metavar="MB", help="of a process, beside its templates; 0: any (%(default)s)"
    )
    add("--updating-seconds", type=float, default=0, metavar="N", help="users are UPDATING for so long after a change")


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return value


def serve(arguments: dict[str, Any], write: Callable[[str], Any]) -> None:
    """Make the tables where they are missing, and serve until stopped. Raises CannotServe."""
    from faceauth.local.server import Server  # loads the recognition

    bind, workers, any_credentials = arguments["bind"], arguments["workers"], arguments["accept_any_credentials"]
    if workers < 1:
        raise CannotServe("--workers is at least 1.")
    if any_credentials and not is_loopback(bind):
        raise CannotServe("--accept-any-credentials works on the loopback interface only: --bind 127.0.0.1:5005.")
    if not any_credentials and not conf().LOCAL_SECRET_KEYS:
        raise CannotServe(
            "Nobody may call, since every request must be signed: set REKOGNITION_LOCAL_CREDENTIALS to"
            " ACCESS_KEY_ID:SECRET_ACCESS_KEY and give the same pair to the clients, or try it with"
            " --accept-any-credentials."
        )
    configure(
        Options(
            accept_any_credentials=any_credentials,
            strict_attributes=arguments["strict"],
            s3=arguments["s3"],
            max_rate=arguments["max_rate"] / workers,
            error_rate=arguments["error_rate"],
            memory=arguments["memory"] * 10**6,
            updating_seconds=arguments["updating_seconds"],
            face_liveness=workers == 1,
            origins=tuple(arguments["cors_origin"]),
        )
    )
    make_tables()
    connections.close_all()  # a forked worker must have its own
    Server(bind, workers, lambda address: write(welcome(address, any_credentials))).run()


def make_tables() -> None:
    """Bring the tables of this service up to date, and no others. The site's `migrate` does the same."""
    executor = MigrationExecutor(connections["default"])
    latest = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "faceauth_local"]
    executor.migrate(latest)


def is_loopback(bind: str) -> bool:
    if bind.startswith("unix:"):
        return True
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def welcome(address: str, any_credentials: bool) -> str:
    pair = ("any", "any") if any_credentials else (next(iter(conf().LOCAL_SECRET_KEYS)), "...")
    return (
        f"Rekognition's face collections are at {address}\n\n"
        f"  export AWS_ACCESS_KEY_ID={pair[0]} AWS_SECRET_ACCESS_KEY={pair[1]} AWS_DEFAULT_REGION={conf().REGION}\n"
        f"  aws --endpoint-url {address} rekognition create-collection --collection-id people\n\n"
        "Stop with Ctrl-C."
    )
