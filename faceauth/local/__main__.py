"""`python -m faceauth.local`: the service on its own, without the site and its settings."""

import argparse
import os
import sys


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "faceauth.local.standalone"
    import django

    django.setup()
    from faceauth.local import command

    parser = argparse.ArgumentParser(prog="python -m faceauth.local", description=command.HELP)
    command.add_arguments(parser)
    arguments = vars(parser.parse_args())
    sys.argv = sys.argv[:1]  # gunicorn would read the rest
    try:
        command.serve(arguments, lambda text: print(text, flush=True))
    except command.CannotServe as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
