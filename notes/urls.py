from django.urls import path

from notes import views

app_name = "notes"

urlpatterns = [
    path("", views.notebook, name="list"),
    path("search/", views.find, name="search"),
    path("bin/", views.bin_of, name="bin"),
    path("preferences/", views.preferences, name="preferences"),
    path("away/", views.away, name="away"),
    path("away/notes.zip", views.take_away, name="take_away"),
    path("away/bring-in/", views.bring_in, name="bring_in"),
    path("notes/<uuid:pk>/", views.note, name="note"),
    path("notes/<uuid:pk>/tick/", views.tick, name="tick"),
    path("notes/<uuid:pk>/pin/", views.pin, name="pin"),
    path("notes/<uuid:pk>/delete/", views.delete, name="delete"),
    path("notes/<uuid:pk>/restore/", views.restore, name="restore"),
    path("notes/<uuid:pk>/throw-away/", views.throw_away, name="throw_away"),
    path("notes/<uuid:pk>/attach/", views.attach, name="attach"),
    path("attachments/<uuid:pk>/", views.attachment, name="attachment"),
    path("attachments/<uuid:pk>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("attachments/<uuid:pk>/detach/", views.detach, name="detach"),
]
