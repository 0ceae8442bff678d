from django.urls import path

from faceauth.web import (
    account,
    device_question,
    devices,
    liveness,
    login,
    mfa,
    mfa_resets,
    reauthentication,
    second_factor,
)

app_name = "faceauth"

urlpatterns = [
    path("login/", login.login_view, name="login"),
    path("login/enrol/", login.enrol_view, name="enrol"),
    path("login/claim/", login.claim_view, name="claim"),
    path("login/liveness/", liveness.start_view, name="liveness"),
    path("login/liveness/frame/", liveness.frame_view, name="liveness_frame"),
    path("login/second-factor/", second_factor.second_factor_view, name="second_factor"),
    path("login/device/", devices.proof_view, name="device_proof"),
    path("login/device/approval/", devices.approval_view, name="device_approval"),
    path("logout/", login.logout_view, name="logout"),
    path("reauthenticate/", reauthentication.reauthenticate_view, name="reauthenticate"),
    path("account/", account.account_view, name="account"),
    path("account/sessions/<int:pk>/end/", account.end_session_view, name="end_session"),
    path("account/sessions/end-others/", account.end_others_view, name="end_others"),
    path("account/faces/", account.faces_view, name="faces"),
    path("account/faces/<uuid:face_id>/remove/", account.remove_face_view, name="remove_face"),
    path("account/devices/", devices.devices_view, name="devices"),
    path("account/devices/trust/", device_question.trust_view, name="trust_device"),
    path("account/devices/approve/", devices.approve_view, name="approve_device"),
    path("account/devices/end/", devices.end_devices_view, name="end_devices"),
    path("account/devices/<int:pk>/end/", devices.end_device_view, name="end_device"),
    path("account/mfa/", mfa.mfa_view, name="mfa"),
    path("account/mfa/passkey/", mfa.passkey_view, name="add_passkey"),
    path("account/mfa/app/", mfa.app_view, name="add_app"),
    path("account/mfa/codes/", mfa.codes_view, name="recovery_codes"),
    path("account/mfa/reset/stop/", mfa_resets.stop_view, name="stop_mfa_reset"),
    path("account/mfa/photos/", mfa.photo_logins_view, name="photo_logins"),
    path("account/mfa/<slug:kind>/<int:pk>/remove/", mfa.remove_view, name="remove_factor"),
    path("account/export/", account.export_view, name="export"),
    path("account/forget/", account.forget_view, name="forget"),
    path("forgotten/<uuid:pk>/", account.forgotten_view, name="receipt"),
]
