from django.contrib import admin
from django.urls import include, path

from secretly import views

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
