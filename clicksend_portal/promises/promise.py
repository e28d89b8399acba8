"""What a promise is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from clicksend_portal.models import PromiseReading

State = PromiseReading.State
Evidence = PromiseReading.Evidence

# Readings are taken every hour; one that missed two rounds proves nothing any more.
INTERVAL = timedelta(hours=3)

type Value = Mapping[str, Any]
type Text = str | Lazy


class Chapter(models.TextChoices):
    """The chapters of `/trust/`, in the reader's order."""

    MAIL = "mail", _("Your mail")
    DATA = "data", _("Your data")
    ACCESS = "access", _("Who sees it")
    PROOF = "proof", _("Proof")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found. `value` names no person and no figure about too few of them.

    What holds as far as anybody can see, but was not told us, is not `known`: never kept.
    """

    holds: bool
    value: Value
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise. It is in force once nothing is `missing` of what it needs; before that no
    reading can make it kept."""

    id: str
    chapter: Chapter
    sentence: Text
    clause: Text
    how: Text
    check: Text
    evidence: Evidence
    missing: Text = ""
    read: Callable[[datetime], Finding] | None = None
    tell: Callable[[Value], str] | None = None
    detail: Callable[[Value], str] | None = None
    interval: timedelta = INTERVAL

    @property
    def is_in_force(self) -> bool:
        return not self.missing
