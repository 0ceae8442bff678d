from django.urls import path

from notes import views

app_name = "notes"

urlpatterns = [
    path("", views.notebook, name="list"),
    path("notes/<uuid:pk>/", views.note, name="note"),
    path("notes/<uuid:pk>/delete/", views.delete, name="delete"),
]
