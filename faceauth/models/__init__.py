"""The models of faceauth. Pictures are never stored."""

from faceauth.models.changes import AccountChange
from faceauth.models.devices import DeviceApproval, TrustedDevice
from faceauth.models.faces import Consent, Deletion, Enrolment, Face, HealthCheck, Receipt
from faceauth.models.liveness import LivenessSession, SpentFrame
from faceauth.models.mfa import AuthenticatorApp, MFAReset, Passkey, PhotoLogin, RecoveryCodes
from faceauth.models.sign_ins import RateCount, SignIn

__all__ = [
    "AccountChange",
    "AuthenticatorApp",
    "Consent",
    "Deletion",
    "DeviceApproval",
    "Enrolment",
    "Face",
    "HealthCheck",
    "LivenessSession",
    "MFAReset",
    "Passkey",
    "PhotoLogin",
    "RateCount",
    "Receipt",
    "RecoveryCodes",
    "SignIn",
    "SpentFrame",
    "TrustedDevice",
]
