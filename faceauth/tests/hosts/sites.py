"""What blank projects with user models of their own are made of: file names and their text."""

from textwrap import dedent

COMMON = """
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "a blank project's"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
LANGUAGE_CODE = "de"  # which the package does not speak: then its pages say what its source says
STATIC_URL = "static/"
AUTH_USER_MODEL = "people.User"
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "faceauth:account"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "faceauth.web.second_factor_gate.SecondFactorMiddleware",
    "faceauth.web.reauthentication.ReauthenticationMiddleware",
]
APPS = ["people", "faceauth", "faceauth.local", "django_otp", "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "faceauth.backends.FaceBackend"]
PROCESSORS = ["request", "auth", "messages"]
PROCESSORS = [f"django.{'contrib.' * (p != 'request')}{'template' if p == 'request' else p}.context_processors.{p}"
    for p in PROCESSORS]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": PROCESSORS}}]
KEYS = {"ENCRYPTION_KEYS": ["7jyOkqFRwDGF9IvD2gVwIYFSw1R4nQXcmJlSvRj3gBQ="]}
"""

SIGNALS = """
from django.apps import AppConfig
from django.conf import settings

class PeopleConfig(AppConfig):
    name = "people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from faceauth import signals
        for name in ("enrolled", "recognised", "refused", "forgotten"):
            getattr(signals, name).connect(self.listener(name), weak=False)

    def listener(self, name):
        def listen(sender, signal, **given):
            with open(settings.BASE_DIR / "signals.log", "a") as log:
                print(name, sorted(given), given.get("reason", ""), file=log)
        return listen
"""

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

MAIL_SETTINGS = """
INSTALLED_APPS = [*APPS, "django.contrib.admin"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": PORT, "NAME": "postgres",
    "USER": "secretly"}}
FACEAUTH = KEYS | {"ENROLMENT": "consent", "MAKE_USER": "people.faces.make_user"}
"""

MAIL_USER = """
from django.contrib.auth.models import AbstractUser
from django.db import models

class User(AbstractUser):
    username = None
    email = models.EmailField(unique=True)
    tax_number = models.CharField(max_length=20)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
"""

MAIL_HOOK = """
from people.models import User

def make_user(name):
    return User(email=f"{name}@faces.invalid", tax_number="none")
"""

BARE_SETTINGS = """
INSTALLED_APPS = APPS  # without Django's admin
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
FACEAUTH = KEYS
"""

BARE_USER = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

class Manager(BaseUserManager):
    pass

class User(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    objects = Manager()
"""

URLS = """
from django.contrib.auth.views import LoginView
from django.urls import include, path
ADMIN
urlpatterns += [path("accounts/", include("faceauth.urls")),
    path("password/", LoginView.as_view(template_name="people/password.html"))]
"""

PASSWORD_PAGE = '<form method="post">{% csrf_token %}{{ form }}<button>Sign in</button></form>'


def files(settings: str, user: str, admin: bool, **more: str) -> dict[str, str]:
    """A whole project by its file names. `more` are modules of its app."""
    with_admin = "from django.contrib import admin\nurlpatterns = [path('admin/', admin.site.urls)]"
    return {
        "manage.py": MANAGE,
        "shop/__init__.py": "",
        "shop/settings.py": COMMON + settings,
        "shop/urls.py": URLS.replace("ADMIN", with_admin if admin else "urlpatterns = []"),
        "people/__init__.py": "",
        "people/apps.py": SIGNALS,
        "people/models.py": user,
        "people/migrations/__init__.py": "",
        "people/templates/people/password.html": PASSWORD_PAGE,
        **{f"people/{name}.py": dedent(text) for name, text in more.items()},
    }
