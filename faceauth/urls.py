from django.urls import path

from faceauth import locking, looking, mydoor, views

app_name = "faceauth"

urlpatterns = [
    path("login/", views.login_view, name="login"),
    path("login/remember/", views.remember_view, name="remember"),
    path("login/look/", looking.start_view, name="look"),
    path("login/look/frame/", looking.frame_view, name="look_frame"),
    path("login/lock/", locking.second_lock_view, name="second_lock"),
    path("logout/", views.logout_view, name="logout"),
    path("door/", mydoor.door_view, name="door"),
    path("door/sessions/<int:pk>/end/", mydoor.end_session_view, name="end_session"),
    path("door/sessions/end-others/", mydoor.end_others_view, name="end_others"),
    path("looks/", mydoor.looks_view, name="looks"),
    path("looks/<uuid:face_id>/remove/", mydoor.remove_look_view, name="remove_look"),
    path("locks/", locking.locks_view, name="locks"),
    path("locks/passkey/", locking.passkey_view, name="add_passkey"),
    path("locks/app/", locking.app_view, name="add_app"),
    path("locks/codes/", locking.codes_view, name="recovery_codes"),
    path("locks/photos/", locking.photos_view, name="photo_path"),
    path("locks/<slug:kind>/<int:pk>/remove/", locking.remove_view, name="remove_lock"),
    path("export/", mydoor.export_view, name="export"),
    path("again/", mydoor.again_view, name="again"),
    path("forget/", mydoor.forget_view, name="forget"),
    path("forgotten/<uuid:pk>/", mydoor.forgotten_view, name="forgotten"),
]
