"""What customers keep with us of their own: contact lists, messages they sent, reports.

The names are those of ClickSend's API. Each row carries its owner's key, and row-level security
shows the web process the rows of the one tenant it has said it works for (`foundation.tenants`).
What a message said, to whom and from whom stands apart from the record that it was sent: the
content leaves after months (`de-identified`), the record after years.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key

OWNER = "accounts.User"


class ContactList(models.Model):
    """A customer's list of contacts. Never an audience of ours: `lists-untouched`."""

    id = uuid7_key()
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    # The platform's number; none for a list made here.
    list_id = models.BigIntegerField(null=True, editable=False)
    list_name = models.CharField(_("name"), max_length=120)
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("contact list")
        verbose_name_plural = _("contact lists")
        ordering: ClassVar[list[str]] = ["list_name", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["customer", "list_id"], name="messaging_list_once"),
        ]

    def __str__(self) -> str:
        return self.list_name


class Contact(models.Model):
    """One person or number in a list. Once per list by number, and once by e-mail address."""

    id = uuid7_key()
    # The indexes below serve both as well.
    contact_list = models.ForeignKey(
        ContactList, models.CASCADE, related_name="contacts", db_index=False
    )
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+", db_index=False)
    contact_id = models.BigIntegerField(null=True, editable=False)
    # E.164; empty where there is only an e-mail address.
    phone_number = models.CharField(_("phone number"), max_length=20, blank=True)
    email = models.CharField(_("email"), max_length=320, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    organization_name = models.CharField(_("organization"), max_length=150, blank=True)
    custom_1 = models.CharField(_("own field 1"), max_length=200, blank=True)
    custom_2 = models.CharField(_("own field 2"), max_length=200, blank=True)
    custom_3 = models.CharField(_("own field 3"), max_length=200, blank=True)
    custom_4 = models.CharField(_("own field 4"), max_length=200, blank=True)
    address_line_1 = models.CharField(_("address line 1"), max_length=150, blank=True)
    address_line_2 = models.CharField(_("address line 2"), max_length=150, blank=True)
    address_city = models.CharField(_("town"), max_length=100, blank=True)
    address_state = models.CharField(_("state"), max_length=100, blank=True)
    address_postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    address_country = models.CharField(_("country"), max_length=2, blank=True)
    added_at = models.DateTimeField(db_default=Now(), editable=False)
    # When the upload was made that named this contact last: a second line of it is known by that.
    uploaded_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["customer", "id"], name="messaging_contact_owner"),
            # Whose it is stands in the index too: row-level security asks of each row, and a count
            # would look every contact up for that alone.
            models.Index(
                fields=["contact_list", "id"], include=["customer"], name="messaging_contact_place"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(phone_number="", email=""), name="messaging_contact_reachable"
            ),
            models.UniqueConstraint(
                fields=["contact_list", "phone_number"],
                condition=~models.Q(phone_number=""),
                name="messaging_contact_phone_once",
            ),
            models.UniqueConstraint(
                "contact_list",
                Lower("email"),
                condition=~models.Q(email=""),
                name="messaging_contact_email_once",
            ),
            models.UniqueConstraint(
                fields=["customer", "contact_id"], name="messaging_contact_once"
            ),
        ]

    def __str__(self) -> str:
        return self.phone_number or self.email


class ContactOptOut(models.Model):
    """Who told this customer to stop. Theirs alone: it decides about their lists, never ours."""

    id = uuid7_key()
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    # An E.164 number, or an address in small letters.
    contact = models.CharField(_("phone number or email"), max_length=320)
    since = models.DateTimeField(_("since"), db_default=Now())

    class Meta:
        verbose_name = _("opt-out of a contact")
        verbose_name_plural = _("opt-outs of contacts")
        ordering: ClassVar[list[str]] = ["contact"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["customer", "contact"], name="messaging_contact_opt_out_once"
            ),
        ]

    def __str__(self) -> str:
        return self.contact


class MessageRecord(models.Model):
    """That a message was sent or came in: what it cost and whether it arrived, and of nobody.

    Partitioned by month on its key, which derives from the platform's `message_id` and the
    message's own date (`foundation.ids.uuid7_from(date, str(customer_id), message_id)`).
    """

    id = uuid7_key()
    customer_id = models.UUIDField()
    message_id = models.CharField(max_length=64)
    kind = models.CharField(_("kind"), max_length=12)
    direction = models.CharField(_("direction"), max_length=3)
    date = models.DateTimeField(_("date"))
    status = models.CharField(_("status"), max_length=40, blank=True)
    message_parts = models.SmallIntegerField(_("parts"), default=1)
    message_price = models.DecimalField(_("price"), max_digits=12, decimal_places=4, default=0)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    list_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("message record")
        verbose_name_plural = _("message records")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["customer_id", "id"], name="messaging_record_owner"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(direction__in=["out", "in"]), name="messaging_record_direction"
            ),
        ]

    def __str__(self) -> str:
        return self.message_id


class MessageContent(models.Model):
    """What a message said, from whom and to whom: gone after months, or when its owner asks.

    Has its record's key, and is partitioned like it; without it the record names nobody.
    """

    id = uuid7_key()
    customer_id = models.UUIDField()
    sent_from = models.CharField(_("from"), max_length=320, blank=True)
    sent_to = models.CharField(_("to"), max_length=320, blank=True)
    body = models.TextField(_("text"), blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    contact_id = models.BigIntegerField(null=True)
    custom_string = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("message content")
        verbose_name_plural = _("message contents")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["customer_id", "id"], name="messaging_content_owner"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Report(models.Model):
    """A report the platform made for a customer about their own sending."""

    id = uuid7_key()
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    report_id = models.BigIntegerField()
    report_name = models.CharField(_("name"), max_length=150)
    date = models.DateTimeField(_("date"))
    content = models.JSONField(_("content"), default=dict)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering: ClassVar[list[str]] = ["-date"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["customer", "report_id"], name="messaging_report_once"),
        ]

    def __str__(self) -> str:
        return self.report_name


class ListUpload(models.Model):
    """A file of contacts on its way into a list: looked at, mapped, taken in row by row.

    Work is this row: a worker that takes it up again goes on after `rows_done`.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("waiting for you to say which column is what")
        RUNNING = "running", _("being read")
        FINISHED = "finished", _("finished")
        FAILED = "failed", _("not read")

    id = uuid7_key()
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    # Null once the list is deleted.
    contact_list = models.ForeignKey(ContactList, models.SET_NULL, null=True, related_name="+")
    file_name = models.CharField(_("file"), max_length=150)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.UPLOADED)
    # How the file is to be read, as found or as the customer said: `;`, `utf-8`, with a header.
    delimiter = models.CharField(max_length=1, default=",")
    encoding = models.CharField(max_length=12, default="utf-8")
    has_header = models.BooleanField(default=True)
    # `{"0": "phone_number", "3": "first_name"}`: the column's place, and the contact's field.
    mapping = models.JSONField(default=dict)
    # Numbers without a country code are of this one.
    country = models.CharField(_("country"), max_length=2, blank=True)
    rows_total = models.IntegerField(default=0)
    rows_done = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    opted_out = models.IntegerField(default=0)
    bad = models.IntegerField(default=0)
    made_at = models.DateTimeField(db_default=Now())
    # When it was confirmed, then when a batch of it was taken in last.
    moved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("uploaded list")
        verbose_name_plural = _("uploaded lists")
        ordering: ClassVar[list[str]] = ["-made_at"]

    def __str__(self) -> str:
        return self.file_name


class UploadPart(models.Model):
    """A piece of an uploaded file, in the database for any worker to read; gone when read."""

    id = uuid7_key()
    upload = models.ForeignKey(ListUpload, models.CASCADE, related_name="parts")
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        verbose_name = _("part of an uploaded list")
        verbose_name_plural = _("parts of uploaded lists")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["upload", "number"], name="messaging_upload_part_once"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class UploadProblem(models.Model):
    """A line of an uploaded file that was not taken as it stood, and why."""

    id = uuid7_key()
    upload = models.ForeignKey(ListUpload, models.CASCADE, related_name="problems")
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    line = models.IntegerField(_("line"))
    column = models.CharField(_("column"), max_length=60, blank=True)
    value = models.CharField(_("value"), max_length=100, blank=True)
    # A code; the page has the words.
    reason = models.CharField(_("reason"), max_length=40)

    class Meta:
        verbose_name = _("problem in an uploaded list")
        verbose_name_plural = _("problems in uploaded lists")
        ordering: ClassVar[list[str]] = ["line"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["upload", "line", "column", "reason"], name="messaging_upload_problem_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"
