"""Topics, choices, and the two halves of every consent event.

The *detail* says who, how, when; the database's own functions write it, nobody changes it,
and one function that only the keeper may call removes it. The *leaf* is its salted hash with a
gap-free index; it says nothing about anyone and stays.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.querysets import DetailQuerySet, PreferenceQuerySet, TopicQuerySet
from foundation.ids import uuid7_key


class Topic(models.Model):
    """One kind of information a person may ask for (policy: "en bestemt type informasjon")."""

    class Kind(models.TextChoices):
        MAIL = "mail", _("optional mail")
        TAILORING = "tailoring", _("tailoring by profile")
        REFERENCE = "reference", _("reference activity")

    id = uuid7_key()
    number = models.SmallIntegerField(unique=True, help_text=_("Names the topic in links."))
    slug = models.SlugField(unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.MAIL)
    position = models.SmallIntegerField(default=0)
    wording_version = models.SmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering: ClassVar[list[str]] = ["position", "number"]

    def __str__(self) -> str:
        return self.slug

    @property
    def wording(self) -> "TopicWording":
        """The words in force; prefetched by `TopicQuerySet.with_wording`."""
        return next(w for w in self.wordings.all() if w.version == self.wording_version)

    @property
    def name(self) -> str:
        return self.wording.in_language("name")

    @property
    def description(self) -> str:
        return self.wording.in_language("description")


class TopicWording(models.Model):
    """What a person read when asked; never changed, only followed by a newer version."""

    id = uuid7_key()
    topic = models.ForeignKey(Topic, models.CASCADE, related_name="wordings")
    version = models.SmallIntegerField()
    name_nb = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    description_nb = models.CharField(max_length=300)
    description_en = models.CharField(max_length=300)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("topic wording")
        verbose_name_plural = _("topic wordings")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["topic", "version"], name="consent_wording_version"),
        ]

    def __str__(self) -> str:
        return f"{self.name_en} v{self.version}"

    def in_language(self, field: str, language: str | None = None) -> str:
        code = (language or get_language() or "nb")[:2]
        return str(getattr(self, f"{field}_{'en' if code == 'en' else 'nb'}"))


class State(models.TextChoices):
    """What a preference says. No row at all is "not asked"."""

    GRANTED = "granted", _("yes")
    REFUSED = "refused", _("no")
    WITHDRAWN = "withdrawn", _("no longer")


class Source(models.TextChoices):
    """By which way a choice came in."""

    SIGNUP = "signup", _("at sign-up")
    PREFERENCES = "preferences", _("in the preference centre")
    ONE_CLICK = "one_click", _("with the button in the mail program")
    LINK = "link", _("with the link in an email")
    MAIL_PREFERENCES = "mail_preferences", _("in the preference centre, from an email")
    CONFIRMED = "confirmed", _("confirmed by email")
    MAILTO = "mailto", _("by email")
    COMPLAINT = "complaint", _("reported as unwanted")
    PROVIDER = "provider", _("at the mail provider")
    STAFF = "staff", _("by our staff, at your request")
    API = "api", _("by another system")
    IMPORT = "import", _("imported, wording unknown")
    API_SIGNED_IN = "api_signed_in", _("by an app, signed in")
    REPLAY = "replay", _("made up from our journal")
    APP = "app", _("by an app of yours")


# Signed in, or confirmed by mail: the only ways in which a no becomes a yes.
OWN_ACTS = (Source.SIGNUP, Source.PREFERENCES, Source.CONFIRMED, Source.API_SIGNED_IN)
# By these ways somebody has the topic's words before them. By any other a wording was in force.
SHOW_WORDS = (*OWN_ACTS, Source.LINK, Source.MAIL_PREFERENCES)
# Not even which wording was in force when the person chose, or what their app showed them.
WORDING_UNKNOWN = (Source.IMPORT, Source.REPLAY, Source.APP)


class Preference(models.Model):
    """The standing choice of one person on one topic. A standing choice never ages out."""

    id = uuid7_key()
    person = models.ForeignKey("accounts.User", models.CASCADE, related_name="preferences")
    topic = models.ForeignKey(Topic, models.PROTECT, related_name="preferences")
    state = models.CharField(max_length=10, choices=State)
    paused_until = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)
    source = models.CharField(max_length=20, choices=Source)
    since = models.DateTimeField()

    objects = PreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "topic"], name="consent_preference_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="consent_preference_state"
            ),
            models.CheckConstraint(
                condition=models.Q(paused_until__isnull=True) | models.Q(state="granted"),
                name="consent_only_a_yes_pauses",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["topic", "person"],
                name="consent_preference_granted",
                condition=models.Q(state="granted"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id}: {self.state}"


class ConsentDetail(models.Model):
    """One consent event: who, what, how, when, which wording. Written by `consent.services` only.

    `person` and `topic` are plain keys: the erasing function must need no lock on other tables.
    """

    id = uuid7_key()
    person_id = models.UUIDField()
    topic_id = models.UUIDField()
    version = models.IntegerField()
    state_before = models.CharField(max_length=10, blank=True)
    state = models.CharField(max_length=10, choices=State)
    paused_until = models.DateTimeField(null=True)
    paused_until_before = models.DateTimeField(null=True)
    undone = models.BooleanField(default=False)
    source = models.CharField(max_length=20, choices=Source)
    actor = models.CharField(max_length=50)
    reason = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=5, blank=True)
    wording_version = models.SmallIntegerField(null=True)
    mailing = models.IntegerField(default=0)
    at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    salt = models.BinaryField(max_length=16)

    objects = DetailQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        ordering: ClassVar[list[str]] = ["-at", "-version"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["person_id", "topic_id", "version"], name="consent_detail_version"
            ),
            # "Re-joining needs the person's own act": nothing else turns a no into a yes, and only
            # a file that brings a person in may start with one.
            models.CheckConstraint(
                condition=~models.Q(state="granted")
                | models.Q(state_before="granted")
                | models.Q(undone=True)
                | models.Q(source__in=OWN_ACTS)
                | models.Q(source=Source.IMPORT, state_before=""),
                name="consent_yes_is_an_own_act",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["at"], name="consent_detail_at"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.at:%Y-%m-%d}"

    @property
    def changed_nothing(self) -> bool:
        """A no or a pause said once more: it counts as the latest act, with nothing to undo."""
        before = (self.state_before, self.paused_until_before)
        return before == (self.state, self.paused_until)
