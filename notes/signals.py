"""Signals for metrics. They carry neither text nor a person."""

from django.dispatch import Signal

saved = Signal()
"""A note was written or changed."""
