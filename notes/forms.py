"""The forms of the notebook."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from notes.models import MAX_LENGTH, Preferences

DAMAGED = {"invalid": _("Some of the form was lost on the way and has been restored. Please check it and save again.")}


@dataclass(frozen=True, slots=True)
class Draft:
    """A page as it is shown for writing: blank, as it was kept, or as it could not be kept."""

    text: str = ""
    page: UUID = field(default_factory=uuid4)
    """The id that a blank page will have as a note."""

    version: int = 0
    """What the text was made from; 0 is nothing, so it never replaces a note unasked."""

    fault: str = ""
    """Why it could not be kept."""


class Words(forms.CharField):
    """Text as it was typed: nothing is stripped, and a line ends with one character on every system."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")

    def validate(self, value: str) -> None:
        if not value.strip():
            raise forms.ValidationError(_("This note is empty. Write something first."), code="empty")
        excess = len(value) - MAX_LENGTH
        if excess > 0:
            raise forms.ValidationError(
                ngettext(
                    "A note holds %(limit)s characters. Please move the last %(excess)s character to another note.",
                    "A note holds %(limit)s characters. Please move the last %(excess)s characters to another note.",
                    excess,
                ),
                code="too_long",
                params={"limit": f"{MAX_LENGTH:,}", "excess": f"{excess:,}"},
            )


class DraftForm(forms.Form):
    text = Words(
        strip=False,
        error_messages={
            "null_characters_not_allowed": _(
                "The text had an invisible character (NUL) that cannot be saved. It was removed. Please check "
                "the text and save again."
            )
        },
    )
    page = forms.UUIDField(required=False, error_messages=DAMAGED)
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, error_messages=DAMAGED)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST)
        self.broken = broken_utf8(request)

    def clean_text(self) -> str:
        if self.broken:
            raise forms.ValidationError(
                _(
                    "Some characters arrived damaged (not UTF-8) and are shown as �. Please correct them and save "
                    "again."
                ),
                code="broken",
            )
        text: str = self.cleaned_data["text"]
        return text

    def draft(self) -> Draft:
        """What was typed, as typed except for what no page can show, and what is wrong with it."""
        faults = [message for messages in self.errors.values() for message in messages]
        return Draft(
            text=self.cleaned_data.get("text") or self.data.get("text", "").replace("\0", ""),
            page=self.cleaned_data.get("page") or uuid4(),
            version=self.cleaned_data.get("version") or 0,
            fault=str(faults[0]) if faults else "",
        )


class TickForm(forms.Form):
    """Which check box, of which version."""

    version = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    line = forms.IntegerField(min_value=0, max_value=MAX_LENGTH)


class PreferencesForm(forms.ModelForm[Preferences]):
    class Meta:
        model = Preferences
        fields = ("hidden_for", "single_keys")


def whole_number(value: str | None) -> int:
    """A number that a page was given to hand back; 0 where somebody has damaged it."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else 0


def broken_utf8(request: HttpRequest) -> bool:
    """Whether the form came with bytes that are not UTF-8, which Django replaces with U+FFFD without a word."""
    if request.content_type != "application/x-www-form-urlencoded":
        # Not our page, and its body has been read as a stream. Only the mark itself is left to go by.
        return "\ufffd" in request.POST.get("text", "")
    try:
        unquote_to_bytes(request.body).decode()
    except UnicodeDecodeError:
        return True
    return False
