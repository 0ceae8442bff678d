from django.urls import path

from notes import file_views, share, version_views, views

app_name = "notes"

urlpatterns = [
    path("", views.notebook, name="list"),
    path("new/", views.new, name="new"),
    path("share/", share.share, name="share"),
    path("search/", views.find, name="search"),
    path("trash/", views.trash_page, name="trash"),
    path("preferences/", views.preferences, name="preferences"),
    path("notes/export/", views.export_page, name="export"),
    path("notes/export.zip", views.export_zip, name="export_zip"),
    path("notes/import/", views.import_files, name="import"),
    path("notes/<uuid:pk>/", views.note, name="note"),
    path("notes/<uuid:pk>/tick/", views.tick, name="tick"),
    path("notes/<uuid:pk>/pin/", views.pin, name="pin"),
    path("notes/<uuid:pk>/delete/", views.delete, name="delete"),
    path("notes/<uuid:pk>/restore/", views.restore, name="restore"),
    path("notes/<uuid:pk>/delete-forever/", views.delete_forever, name="delete_forever"),
    path("notes/<uuid:pk>/versions/<int:number>/", version_views.version, name="version"),
    path("notes/<uuid:pk>/attach/", file_views.attach, name="attach"),
    path("attachments/<uuid:pk>/", file_views.attachment, name="attachment"),
    path("attachments/<uuid:pk>/thumbnail/", file_views.thumbnail, name="thumbnail"),
    path("attachments/<uuid:pk>/detach/", file_views.detach, name="detach"),
]
