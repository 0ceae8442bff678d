from django.contrib import admin
from django.urls import include, path

from secretly import views

urlpatterns = [
    path("", include("notes.urls")),
    path("", include("faceauth.urls")),
    path("favicon.ico", views.favicon),
    path("admin/", admin.site.urls),
]
