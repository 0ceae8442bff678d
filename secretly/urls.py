from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("faceauth.urls")),
    path("admin/", admin.site.urls),
]
