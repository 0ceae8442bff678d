from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from secretly import offline, views

admin.site.site_header = admin.site.site_title = "Secretly"
# The sidebar takes a quarter of a laptop's screen and cuts off columns; the first page and the breadcrumbs lead to the
# same places.
admin.site.enable_nav_sidebar = False
admin.site.index_title = _("Dashboard")

urlpatterns = [
    path("", include("notes.urls")),
    path("", include("faceauth.urls")),
    path("display/", views.display, name="display"),
    path("favicon.ico", views.favicon),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("worker.js", views.worker, name="worker"),
    path("offline/", views.offline, name="offline"),
    path("offline/copy/", offline.switch_on, name="offline_copy"),
    path("offline/latest/", offline.latest, name="offline_latest"),
    path("admin/login/", views.admin_login),
    path("admin/", admin.site.urls),
]

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.not_found
handler500 = views.broken
