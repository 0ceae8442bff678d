"""What the notebook tells those who count. Neither words nor a person are in it."""

from django.dispatch import Signal

saved = Signal()
"""A note was written or changed, and that is being answered with "saved"."""
