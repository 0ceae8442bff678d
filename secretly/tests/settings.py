"""The site's settings, with a home of their own for a test run and nobody's AWS settings."""

import atexit
import os
import shutil
import tempfile

HOME_OF_TESTS = tempfile.mkdtemp(prefix="secretly-tests-")
atexit.register(shutil.rmtree, HOME_OF_TESTS, ignore_errors=True)

for name in [
    name for name in os.environ if name.startswith(("AWS_", "DJANGO_", "REKOGNITION_", "SECRETLY_", "REDIS_"))
]:
    if name not in ("DJANGO_SETTINGS_MODULE", "SECRETLY_NODE_MODULES", "SECRETLY_AWS_CLI"):
        del os.environ[name]
os.environ |= {
    "SECRETLY_HOME": HOME_OF_TESTS,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

from secretly.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # operators' passwords are made in every test
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}

STATIC_ROOT.mkdir()  # noqa: F405 - whitenoise warns of a folder that is not there

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file, because servers in other threads and processes must see the same database; nobody needs it after a crash.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(HOME_OF_TESTS, "test.sqlite3")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"  # noqa: F405
