"""The settings of the site. All come from the environment, and none is needed: docs/settings.md lists them."""

from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from redis.backoff import NoBackoff
from redis.retry import Retry

from secretly import environment, logs, proxies, storage

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = environment.home(BASE_DIR / "var")

DEBUG = environment.boolean("DJANGO_DEBUG")
SECRET_KEY = environment.secret_key(HOME)
ENCRYPTION_KEYS = environment.encryption_keys(HOME)
KEYS_IN_HOME = {
    name: file
    for name, file in (("DJANGO_SECRET_KEY", "secret.key"), ("SECRETLY_ENCRYPTION_KEYS", "encryption.key"))
    if not environment.text(name)
}
ALLOWED_HOSTS = environment.words("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "secretly",
    "notes",
    "faceauth",
    "faceauth.local",
    "faceauth.operators.apps.OperatorAdminConfig",  # django.contrib.admin, with the dashboard
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
]

MIDDLEWARE = [
    "secretly.middleware.probes",
    "secretly.proxies.trust_named_proxies",
    "secretly.middleware.log_and_count",
    "django.middleware.security.SecurityMiddleware",
    "secretly.middleware.site_headers",
    "secretly.middleware.compress_pages",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "secretly.middleware.refuse_untold_lengths",
    "secretly.middleware.say_that_a_method_is_not_allowed",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "faceauth.web.second_factor_gate.SecondFactorMiddleware",
    "faceauth.web.reauthentication.ReauthenticationMiddleware",
    "secretly.middleware.never_cache_when_signed_in",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "secretly.urls"
WSGI_APPLICATION = "secretly.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database -------------------------------------------------------------------------------------------------------------

DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        environment.text("DATABASE_URL", f"sqlite:///{HOME / 'secretly.sqlite3'}"),
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: the second of two writers waits, instead of failing half-way. FULL: a note that was answered with
    # "saved" survives a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Notice a server that is down while the person still waits. libpq takes seconds and milliseconds here.
    DATABASES["default"].setdefault("OPTIONS", {}).update({"connect_timeout": 5, "tcp_user_timeout": 10_000})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.text("REDIS_URL")
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # Seconds: a Redis that hangs must not hang every sign-in. One retry is enough for a connection that was cut;
        # the library's own three, with a pause before each, would keep every request waiting.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 1)},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# People and sessions --------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "faceauth.backends.FaceBackend",
    "django.contrib.auth.backends.ModelBackend",  # operators, at /admin/
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "faceauth:login"
LOGIN_REDIRECT_URL = "notes:list"
SETTINGS_URL = "faceauth:account"  # where the notebook's own settings are
LOGOUT_REDIRECT_URL = reverse_lazy("faceauth:login", query={"locked": 1})  # where no camera starts by itself

# A session ends when the browser closes, after this much silence (every answer moves that end on), and at the latest
# SESSION_LIFETIME after the sign-in, however busy it is.
SESSION_ENGINE = "secretly.sessions"
SESSION_LIFETIME = environment.number("SECRETLY_SIGN_OUT_AFTER", 12 * 3600, low=60, high=30 * 24 * 3600)
SESSION_COOKIE_AGE = int(environment.number("SECRETLY_LOCK_AFTER", 15 * 60, low=30, high=24 * 3600))
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True  # our scripts read the token from the form that they send
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # one cookie less
CSRF_FAILURE_VIEW = "secretly.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = environment.origins("SECRETLY_TRUSTED_ORIGINS")

# What sets what, for the hints of faceauth.
OWN = (
    *("TARGET_FPIR", "ENROLMENT", "PHOTOS", "OPERATOR_FAILURES", "OPERATOR_MFA", "MFA_RESET_HOURS", "ENCRYPTION_KEYS"),
    *("MFA_RESET_NEEDS_TWO", "TRUSTED_DEVICE_DAYS", "ATTEMPTS_PER_ADDRESS", "ATTEMPTS_PER_SESSION", "ENROLMENTS"),
    *("FAILURES_PER_ADDRESS", "ENROLMENTS_PER_ADDRESS", "PHOTO_ENROLMENT_DAYS", "CALL_BUDGET", "FRAMES_PER_ADDRESS"),
)
NAMES = {name: f"SECRETLY_{name}" for name in OWN} | {
    "ENDPOINT": "REKOGNITION_ENDPOINT",
    "COLLECTION": "REKOGNITION_COLLECTION",
    "THRESHOLD": "REKOGNITION_THRESHOLD",
    "LOCAL_SECRET_KEYS": "REKOGNITION_LOCAL_CREDENTIALS",
}
FACEAUTH = {
    "SITE_NAME": "Secretly",
    "CONSENT_VERSION": "2026-11-25.1",  # of templates/faceauth/consent_text.html
    "FORGET_ACCOUNT": "always",  # an account here is a notebook, which nothing but the face opens
    "ADMIN_PEOPLE": True,
    "NAMES": NAMES,
    "ENDPOINT": environment.text("REKOGNITION_ENDPOINT", "local"),
    "COLLECTION": environment.text("REKOGNITION_COLLECTION", "secretly"),
    "THRESHOLD": environment.number_or("REKOGNITION_THRESHOLD", "auto", low=0, high=100),
    "TARGET_FPIR": environment.number("SECRETLY_TARGET_FPIR", 1e-4, low=1e-9, high=0.1),
    "REGION": environment.text("AWS_REGION") or environment.text("AWS_DEFAULT_REGION", "us-east-1"),
    "ENROLMENT": environment.choice("SECRETLY_ENROLMENT", "consent", ("consent", "open", "closed")),
    "PHOTOS": environment.choice("SECRETLY_PHOTOS", "fallback", ("fallback", "open", "never")),
    "OPERATOR_FAILURES": environment.text("SECRETLY_OPERATOR_FAILURES", "20/h, 60/d"),
    "MFA_RESET_HOURS": environment.number("SECRETLY_MFA_RESET_HOURS", 24, low=0, high=24 * 365),
    "MFA_RESET_NEEDS_TWO": environment.boolean("SECRETLY_MFA_RESET_NEEDS_TWO"),
    "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
    "TRUSTED_DEVICE_DAYS": int(environment.number("SECRETLY_TRUSTED_DEVICE_DAYS", 90, low=1, high=400)),
    "SENSITIVE": {"notes:export_zip": "notes:export", "offline_copy": "faceauth:account#offline"},
    "EXPORTERS": ["secretly.export.notes"],
    "ATTEMPTS_PER_ADDRESS": environment.text("SECRETLY_ATTEMPTS_PER_ADDRESS", "60/m"),
    "ATTEMPTS_PER_SESSION": environment.text("SECRETLY_ATTEMPTS_PER_SESSION", "20/m"),
    "FAILURES_PER_ADDRESS": environment.text("SECRETLY_FAILURES_PER_ADDRESS", "30/h, 120/d"),
    "ENROLMENTS_PER_ADDRESS": environment.text("SECRETLY_ENROLMENTS_PER_ADDRESS", "5/h, 20/d"),
    "ENROLMENTS": environment.text("SECRETLY_ENROLMENTS", "300/d"),
    "PHOTO_ENROLMENT_DAYS": int(environment.number("SECRETLY_PHOTO_ENROLMENT_DAYS", 14, low=1, high=3650)),
    "CALL_BUDGET": environment.text("SECRETLY_CALL_BUDGET", "300/m, 3000/h"),
    "FRAMES_PER_ADDRESS": environment.text("SECRETLY_FRAMES_PER_ADDRESS", "3000/m"),
    "USAGE": ["secretly.usage.of_notes", "secretly.usage.of_database"],
    "PRIVACY": ["secretly.privacy.of_notes"],
    "CONTROLLER": environment.text("SECRETLY_CONTROLLER"),
    "LOCAL_SECRET_KEYS": environment.credentials("REKOGNITION_LOCAL_CREDENTIALS"),
}

OTP_TOTP_ISSUER = "Secretly"  # the name of the entry in an authenticator app

# A chosen photo may have 15 MB, and a data URL is a third larger (RFC 4648: four characters for three bytes). Django
# stops reading at this limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024 + 64 * 1024

# Views that take files set handlers of their own. Elsewhere a file of more than 2.5 MB is dropped: Django's default
# would write it, even a face, to a temporary folder when an error happens before the view.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# A folder of notes that is imported at once; notes/uploads.py limits its size.
DATA_UPLOAD_MAX_NUMBER_FILES = 5_000

# What one person may keep and send. docs/settings.md says why these numbers.
STORAGE_PER_PERSON = int(environment.number("SECRETLY_STORAGE_PER_PERSON", 5000, low=1, high=1e9)) * 10**6  # from MB
NOTES_PER_PERSON = int(environment.number("SECRETLY_NOTES_PER_PERSON", 50_000, low=1, high=1e9))
UPLOADS_PER_HOUR = int(environment.number("SECRETLY_UPLOADS_PER_HOUR", 1000, low=1, high=1e9))
IMPORTS_PER_HOUR = int(environment.number("SECRETLY_IMPORTS_PER_HOUR", 20, low=1, high=1e9))

# Bytes that a worker process may have in memory: see privatekit/memory.py.
WORKER_MEMORY = int(environment.number("SECRETLY_WORKER_MEMORY", 600, low=0, high=1e6)) * 10**6  # from MB

# Transport and headers ------------------------------------------------------------------------------------------------

# A browser gives the camera only to a secure page, so every address but localhost needs HTTPS: a proxy ends it and sets
# X-Forwarded-Proto. Without this setting that header is ignored.
HTTPS = environment.boolean("SECRETLY_HTTPS")
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    # A browser accepts such a cookie only over HTTPS and only from this host (RFC 6265bis): a neighbour in the same
    # domain cannot plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
FACEAUTH["OPERATOR_MFA"] = environment.boolean("SECRETLY_OPERATOR_MFA", HTTPS)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Which proxies may say whom a request comes from: see secretly/proxies.py.
TRUSTED_PROXIES = proxies.networks(environment.words("SECRETLY_TRUSTED_PROXIES"))
CLIENT_HEADER = environment.text("SECRETLY_CLIENT_HEADER", "X-Forwarded-For")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:", "data:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Language, static files, media ----------------------------------------------------------------------------------------

# The browser's languages decide; English if it asks for neither of these.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "secretly.formats"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(environment.text("SECRETLY_STATIC") or HOME / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = HOME / "media"
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "secretly.static.HashedStaticFiles"},
}
BUCKET = environment.text("AWS_STORAGE_BUCKET_NAME")
S3_ENDPOINT = environment.text("AWS_S3_ENDPOINT_URL") or None
if BUCKET:
    STORAGES["default"] = storage.s3(BUCKET, str(FACEAUTH["REGION"]), S3_ENDPOINT)
FILE_UPLOAD_PERMISSIONS = 0o600
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

# Errors and logs ------------------------------------------------------------------------------------------------------

DEFAULT_EXCEPTION_REPORTER_FILTER = "secretly.error_reports.NamesOnlyFilter"

LOGGING = logs.configuration(environment.choice("SECRETLY_LOG", "line", logs.KINDS))

# Metrics --------------------------------------------------------------------------------------------------------------

METRICS_TOKEN = environment.text("SECRETLY_METRICS_TOKEN")
