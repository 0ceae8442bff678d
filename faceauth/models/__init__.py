"""The models of faceauth. Pictures are never stored."""

from faceauth.models.changes import AccountChange
from faceauth.models.devices import DeviceApproval, TrustedDevice
from faceauth.models.faces import Consent, Deletion, Enrolment, Face, HealthCheck, Receipt
from faceauth.models.liveness import LivenessSession, SpentFrame
from faceauth.models.mfa import AuthenticatorApp, MFAReset, Passkey, PhotoLogin, RecoveryCode
from faceauth.models.operators import OperatorAccount
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
    "OperatorAccount",
    "Passkey",
    "PhotoLogin",
    "RateCount",
    "Receipt",
    "RecoveryCode",
    "SignIn",
    "SpentFrame",
    "TrustedDevice",
]
