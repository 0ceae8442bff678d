"""Where Django looks for the admin of an app: `faceauth.operators.admin` has it."""

from faceauth.operators import admin

__all__ = ["admin"]
