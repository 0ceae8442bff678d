from django.urls import path

from faceauth.web import account, liveness, login, mfa, reauthentication

app_name = "faceauth"

urlpatterns = [
    path("login/", login.login_view, name="login"),
    path("login/remember/", login.enrol_view, name="remember"),
    path("login/look/", liveness.start_view, name="look"),
    path("login/look/frame/", liveness.frame_view, name="look_frame"),
    path("login/lock/", mfa.second_factor_view, name="second_lock"),
    path("logout/", login.logout_view, name="logout"),
    path("door/", account.account_view, name="door"),
    path("door/sessions/<int:pk>/end/", account.end_session_view, name="end_session"),
    path("door/sessions/end-others/", account.end_others_view, name="end_others"),
    path("looks/", account.faces_view, name="looks"),
    path("looks/<uuid:face_id>/remove/", account.remove_face_view, name="remove_look"),
    path("locks/", mfa.mfa_view, name="locks"),
    path("locks/passkey/", mfa.passkey_view, name="add_passkey"),
    path("locks/app/", mfa.app_view, name="add_app"),
    path("locks/codes/", mfa.codes_view, name="recovery_codes"),
    path("locks/photos/", mfa.photo_logins_view, name="photo_path"),
    path("locks/<slug:kind>/<int:pk>/remove/", mfa.remove_view, name="remove_lock"),
    path("export/", account.export_view, name="export"),
    path("again/", reauthentication.reauthenticate_view, name="again"),
    path("forget/", account.forget_view, name="forget"),
    path("forgotten/<uuid:pk>/", account.forgotten_view, name="forgotten"),
]
