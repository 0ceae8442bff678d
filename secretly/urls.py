from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from secretly import views

admin.site.site_header = admin.site.site_title = "Secretly"
admin.site.index_title = _("The desk")

urlpatterns = [
    path("", include("notes.urls")),
    path("", include("faceauth.urls")),
    path("favicon.ico", views.favicon),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("worker.js", views.worker, name="worker"),
    path("offline/", views.offline, name="offline"),
    path("admin/login/", views.admin_login),
    path("admin/", admin.site.urls),
]

handler500 = views.broken
