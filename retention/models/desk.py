"""The privacy officer's desk: requests, breaches, processors, declared accesses, alerts.

What the law asks a controller to write down and to answer in time (GDPR art. 12, 15-22, 28, 30,
33, 34), and who else than staff could reach customers' data (`few-see`).
"""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from retention.policy import BREACH_CLOCK

STAFF = "accounts.User"


class PrivacyRequest(models.Model):
    """Somebody's wish about their data, until it is answered; of a customer or of a stranger.

    A customer is named by a plain key, emptied when they are erased. A stranger stands in a list
    of a customer: whose, only they can say, and nobody here looks for it.
    """

    class Kind(models.TextChoices):
        """Each with its article of the GDPR."""

        ACCESS = "access", _("see what is kept about me (art. 15)")
        RECTIFICATION = "rectification", _("correct what is wrong (art. 16)")
        ERASURE = "erasure", _("delete my data (art. 17)")
        RESTRICTION = "restriction", _("keep, but do not use my data (art. 18)")
        PORTABILITY = "portability", _("take my data along (art. 20)")
        OBJECTION = "objection", _("object to a use of my data (art. 21)")
        OTHER = "other", _("something else about my data")

    class Source(models.TextChoices):
        PAGE = "page", _("on the page")
        ACCESS_LOG = "access_log", _("on the page that shows who looked")
        QUESTION = "question", _("as a question to us")
        STAFF = "staff", _("by letter, phone or email, entered by staff")

    class State(models.TextChoices):
        OPEN = "open", _("to be answered")
        ANSWERED = "answered", _("answered")
        REFUSED = "refused", _("refused")
        PASSED_ON = "passed_on", _("passed on to the owner of the list")
        WITHDRAWN = "withdrawn", _("taken back, or gone with the account")

    class Ground(models.TextChoices):
        """Why the law lets us say no."""

        UNIDENTIFIED = "unidentified", _("we cannot tell who is asking (art. 11 (2), 12 (2))")
        EXCESSIVE = "excessive", _("manifestly unfounded or excessive (art. 12 (5))")
        OTHERS = "others", _("it would harm the rights of others (art. 15 (4), 20 (4))")
        LAW = "law", _("a law obliges us to keep it (art. 17 (3) (b))")
        CLAIMS = "claims", _("it is needed for a legal claim (art. 17 (3) (e), 21 (1))")
        COMPELLING = "compelling", _("our reasons outweigh yours (art. 21 (1))")
        CORRECT = "correct", _("what is kept is correct (art. 16)")
        NOT_OURS = "not_ours", _("we keep nothing of the kind")

    id = uuid7_key()
    # Names the request in mails; all chance.
    reference = models.UUIDField(_("reference"), default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=13, choices=Kind)
    source = models.CharField(_("how it came"), max_length=10, choices=Source)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.OPEN)
    person_id = models.UUIDField(_("customer"), null=True, editable=False)
    # Of a stranger; a customer's own are read from the account.
    name = models.CharField(_("name"), max_length=150, blank=True)
    email = models.EmailField(_("email address"), blank=True)
    text = models.TextField(_("what is asked for"))
    language = models.CharField(max_length=5)
    # The company of ours they have a contract with; its authority hears complaints.
    legal_entity = models.CharField(max_length=8, blank=True, editable=False)
    actor = models.CharField(_("entered by"), max_length=60)
    received_at = models.DateTimeField(_("received"))
    # That moment as a day of theirs, from which the law's month counts.
    received_on = models.DateField(editable=False)
    due_on = models.DateField(_("to be answered by"))
    extended_at = models.DateTimeField(_("extended"), null=True)
    extended_because = models.CharField(_("why it takes longer"), max_length=500, blank=True)
    # How staff made sure of who is asking, or that they were signed in.
    identity_how = models.CharField(_("identity checked"), max_length=300, blank=True)
    identity_by = models.CharField(_("checked by"), max_length=60, blank=True)
    identity_at = models.DateTimeField(_("checked at"), null=True)
    # Whose list a stranger stands in, by their own words, and whom it was passed on to.
    list_owner = models.CharField(_("whose list, as they say"), max_length=150, blank=True)
    passed_to = models.UUIDField(_("passed on to"), null=True, editable=False)
    assigned_to = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, verbose_name=_("assigned to")
    )
    # The deletion that a request of that kind led to.
    deletion_reference = models.UUIDField(_("deletion"), null=True, editable=False)
    # The look at their data that a customer objects to.
    access_event_id = models.UUIDField(null=True, editable=False)
    answer = models.TextField(_("answer"), blank=True)
    ground = models.CharField(_("why refused"), max_length=12, choices=Ground, blank=True)
    answered_by = models.CharField(_("answered by"), max_length=60, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    # When the privacy address was told that it came, and that its month runs out.
    announced_at = models.DateTimeField(null=True, editable=False)
    warned_at = models.DateTimeField(null=True, editable=False)
    # The same form sent twice is one request.
    form = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        verbose_name = _("privacy request")
        verbose_name_plural = _("privacy requests")
        ordering: ClassVar[list[str]] = ["due_on", "received_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["access_event_id"],
                condition=models.Q(access_event_id__isnull=False),
                name="retention_one_objection_a_look",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at__isnull=True)
                | (~models.Q(state="open") & models.Q(closed_at__isnull=False)),
                name="retention_request_closed_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="answered") | models.Q(identity_at__isnull=False),
                name="retention_answered_to_whom_we_know",
                violation_error_message=_("Record first how you made sure of who is asking."),
            ),
            # Art. 12 (4): a refusal says why.
            models.CheckConstraint(
                condition=~models.Q(state="refused") | ~models.Q(ground=""),
                name="retention_refused_with_ground",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person_id"], name="retention_request_of_person"),
            # Written without signing in: found by who confirms the address.
            models.Index(
                Lower("email"),
                condition=models.Q(person_id__isnull=True),
                name="retention_request_of_nobody",
            ),
            models.Index(
                fields=["due_on"],
                condition=models.Q(state="open"),
                name="retention_request_waiting",
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


class Breach(models.Model):
    """A breach of security that reached personal data, and what was done about it.

    GDPR art. 33 (5): every one is documented, also one that nobody had to be told of. The clock of
    72 hours starts when we became aware of it and can be moved to an earlier moment only.
    """

    class Risk(models.TextChoices):
        UNKNOWN = "unknown", _("not assessed yet")
        UNLIKELY = "unlikely", _("a risk to people is unlikely (nobody need be told)")
        RISK = "risk", _("a risk to people (the authority is told, art. 33)")
        HIGH = "high", _("a high risk to people (they are told as well, art. 34)")

    class WhyUntold(models.TextChoices):
        """Art. 34: why the people concerned were not told one by one."""

        NO_HIGH_RISK = "no_high_risk", _("no high risk to them (art. 34 (1))")
        UNREADABLE = "unreadable", _("the data were unreadable to others (art. 34 (3) (a))")
        AVERTED = "averted", _("the high risk has been averted (art. 34 (3) (b))")
        PUBLISHED = "published", _("told in public instead (art. 34 (3) (c))")

    id = uuid7_key()
    title = models.CharField(_("what, in a few words"), max_length=150)
    what_happened = models.TextField(_("what happened"))
    confidentiality = models.BooleanField(_("somebody saw what they must not see"), default=False)
    integrity = models.BooleanField(_("data were changed"), default=False)
    availability = models.BooleanField(_("data were lost or out of reach"), default=False)
    began_at = models.DateTimeField(_("began"), null=True, blank=True)
    aware_at = models.DateTimeField(_("we became aware of it"))
    data_concerned = models.CharField(_("which kinds of data"), max_length=300, blank=True)
    people = models.IntegerField(_("about how many people"), null=True, blank=True)
    records = models.IntegerField(_("about how many records"), null=True, blank=True)
    consequences = models.TextField(_("likely consequences"), blank=True)
    measures = models.TextField(_("what we do about it"), blank=True)
    risk = models.CharField(_("risk"), max_length=8, choices=Risk, default=Risk.UNKNOWN)
    legal_entity = models.CharField(_("company of ours"), max_length=8, blank=True)
    registered_by = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, verbose_name=_("registered by")
    )
    registered_at = models.DateTimeField(_("registered"))
    notified_at = models.DateTimeField(_("authority told"), null=True, blank=True)
    notified_as = models.CharField(_("its case number"), max_length=80, blank=True)
    # Why the authority was told after 72 hours (art. 33 (1)).
    late_because = models.CharField(_("why late"), max_length=500, blank=True)
    not_notified_because = models.CharField(
        _("why the authority is not told"), max_length=500, blank=True
    )
    people_told_at = models.DateTimeField(_("people told"), null=True, blank=True)
    people_told_how = models.CharField(_("how they were told"), max_length=300, blank=True)
    people_untold = models.CharField(
        _("why people are not told"), max_length=12, choices=WhyUntold, blank=True
    )
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, verbose_name=_("closed by")
    )
    # How many of the alarms of its clock have been sent.
    alarms = models.SmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("breach")
        verbose_name_plural = _("breaches")
        ordering: ClassVar[list[str]] = ["-aware_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(confidentiality=True)
                | models.Q(integrity=True)
                | models.Q(availability=True),
                name="retention_breach_is_of_something",
                violation_error_message=_("Say what happened to the data: seen, changed, lost."),
            ),
            models.CheckConstraint(
                condition=models.Q(began_at__isnull=True)
                | models.Q(began_at__lte=models.F("aware_at")),
                name="retention_breach_known_after_it_began",
                violation_error_message=_("We cannot know of it before it began."),
            ),
            models.CheckConstraint(
                condition=models.Q(notified_at__isnull=True)
                | models.Q(notified_at__lte=models.F("aware_at") + BREACH_CLOCK)
                | ~models.Q(late_because=""),
                name="retention_breach_late_with_reason",
                violation_error_message=_("After 72 hours: say why it was late (art. 33 (1))."),
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True)
                | (
                    (models.Q(notified_at__isnull=False) | ~models.Q(not_notified_because=""))
                    & (models.Q(people_told_at__isnull=False) | ~models.Q(people_untold=""))
                    & ~models.Q(risk="unknown")
                    & ~models.Q(measures="")
                ),
                name="retention_breach_closed_with_everything",
                violation_error_message=_(
                    "Before it is closed: the risk, what was done, whether the authority was told "
                    "and whether the people were, each with its reason if not."
                ),
            ),
            # Only where a risk is unlikely may the authority go untold (art. 33 (1)).
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True)
                | models.Q(notified_at__isnull=False)
                | models.Q(risk="unlikely"),
                name="retention_breach_with_risk_is_notified",
                violation_error_message=_("With a risk to people the authority has to be told."),
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True)
                | ~models.Q(risk="high")
                | models.Q(people_told_at__isnull=False)
                | models.Q(people_untold__in=["unreadable", "averted", "published"]),
                name="retention_breach_with_high_risk_is_told",
                violation_error_message=_("With a high risk the people have to be told."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def notify_by(self) -> datetime:
        """The end of the 72 hours."""
        return self.aware_at + BREACH_CLOCK

    @property
    def clock_runs(self) -> bool:
        """Whether it is still open if the authority is told."""
        return self.closed_at is None and self.notified_at is None and not self.not_notified_because


class Processor(models.Model):
    """Another company that handles personal data for us (GDPR art. 28), as everybody may read."""

    class Transfer(models.TextChoices):
        """By what the law allows it outside the EEA (chapter V)."""

        NONE = "none", _("stays within the EEA")
        ADEQUATE = "adequate", _("a country the Commission finds adequate (art. 45)")
        CLAUSES = "clauses", _("standard contractual clauses (art. 46)")

    id = uuid7_key()
    name = models.CharField(_("company"), max_length=120)
    country = models.CharField(_("where"), max_length=120)
    task_nb = models.CharField(_("what for, in Norwegian"), max_length=200)
    task_en = models.CharField(_("what for, in English"), max_length=200)
    data_nb = models.CharField(_("which data, in Norwegian"), max_length=200)
    data_en = models.CharField(_("which data, in English"), max_length=200)
    transfer = models.CharField(_("transfer"), max_length=8, choices=Transfer)
    # Of the data processing agreement; without one nothing may be handed over (art. 28 (3)).
    agreement_on = models.DateField(_("agreement of"))
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)
    # Whether people of theirs can read customers' data in clear: then somebody else has access.
    can_read = models.BooleanField(_("their people can read the data"), default=True)
    confirmed_on = models.DateField(_("last looked at"))

    class Meta:
        verbose_name = _("processor")
        verbose_name_plural = _("processors")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(agreement_on__lte=models.F("since")),
                name="retention_agreement_before_data",
                violation_error_message=_("The agreement comes before the first data."),
            ),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gte=models.F("since")),
                name="retention_processor_ends_after_start",
                violation_error_message=_("It cannot end before it began."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DeclaredAccess(models.Model):
    """People who could reach data beside the staff pages, by what they hold: no measure sees them.

    Counted and declared (`few-see`): whoever holds the database, the machine or the keys.
    """

    class What(models.TextChoices):
        DATABASE = "database", _("the database")
        HOST = "host", _("the machines")
        KEYS = "keys", _("the keys")
        BACKUPS = "backups", _("the backups")
        OTHER = "other", _("something else")

    id = uuid7_key()
    what = models.CharField(_("access to"), max_length=8, choices=What)
    people = models.SmallIntegerField(_("how many people"))
    # Nobody's name: this is published.
    who_nb = models.CharField(_("who, in Norwegian"), max_length=150)
    who_en = models.CharField(_("who, in English"), max_length=150)
    why_nb = models.CharField(_("what for, in Norwegian"), max_length=200)
    why_en = models.CharField(_("what for, in English"), max_length=200)
    # Of another company; empty for our own people.
    processor = models.ForeignKey(
        Processor, models.PROTECT, null=True, blank=True, verbose_name=_("company")
    )
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)
    confirmed_on = models.DateField(_("last looked at"))

    class Meta:
        verbose_name = _("declared access")
        verbose_name_plural = _("declared accesses")
        ordering: ClassVar[list[str]] = ["what", "since"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(people__gte=1),
                name="retention_access_of_somebody",
                violation_error_message=_("At least one person."),
            ),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gte=models.F("since")),
                name="retention_access_ends_after_start",
                violation_error_message=_("It cannot end before it began."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_what_display())


class PromiseAlert(models.Model):
    """That a promise turned broken or unknown, and that its owner was told: once per turn.

    Open until the promise is kept again or turns otherwise; two workers make one row of one turn.
    """

    id = uuid7_key()
    promise = models.SlugField(_("promise"))
    state = models.CharField(_("turned"), max_length=12)
    turned_at = models.DateTimeField(_("seen"))
    told = models.EmailField(_("told"))
    over_at = models.DateTimeField(_("over"), null=True)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("alert about a promise")
        verbose_name_plural = _("alerts about promises")
        ordering: ClassVar[list[str]] = ["-turned_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["promise"],
                condition=models.Q(over_at=None),
                name="retention_one_alert_a_turn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.promise}: {self.state}"
