"""People, their sessions, their invoices and transactions."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField
from phonenumber_field.modelfields import PhoneNumberField

from accounts.policy import NAME_LENGTH, TOKEN_NAME_LENGTH, USERNAME_PATTERN
from accounts.querysets import UserManager
from foundation.addresses import address_hashes, normalise_address
from foundation.ids import uuid7_key

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase


class SupportChannel(models.TextChoices):
    """How a person wishes to be answered (policy, "Kundeservice")."""

    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")


class User(AbstractBaseUser, PermissionsMixin):
    """A customer or a member of staff.

    `is_active` is Django's "may sign in"; a customer who deactivates the account keeps it, to be
    able to come back, and has `deactivated_at` instead.
    """

    id = uuid7_key()
    username = models.CharField(
        _("user name"),
        max_length=60,
        validators=[
            RegexValidator(
                USERNAME_PATTERN,
                _("Use 3 to 60 letters, digits, dots, plus signs, hyphens or underscores."),
            )
        ],
    )
    first_name = models.CharField(_("first name"), max_length=NAME_LENGTH, blank=True)
    last_name = models.CharField(_("last name"), max_length=NAME_LENGTH, blank=True)
    email = models.EmailField(_("e-mail address"))
    address = models.CharField(max_length=320, unique=True, editable=False)
    address_hashes = ArrayField(models.BinaryField(), editable=False)
    email_confirmed_at = models.DateTimeField(_("e-mail confirmed"), null=True, blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    company = models.CharField(_("company"), max_length=150, blank=True)
    country = CountryField(_("country"), blank=True)
    language = models.CharField(_("language"), max_length=5, blank=True)
    timezone = models.CharField(_("time zone"), max_length=60, default="Europe/Oslo", blank=True)
    support_channel = models.CharField(
        _("answer me by"),
        max_length=5,
        choices=SupportChannel,
        default=SupportChannel.EMAIL,
    )
    platform_id = models.BigIntegerField(_("customer number"), null=True, blank=True, unique=True)
    signed_up_at = models.DateTimeField(_("customer since"), db_default=Now())
    deactivated_at = models.DateTimeField(_("deactivated"), null=True, blank=True)
    # When a deactivated account was asked whether it is still wanted; empty once it is again.
    asked_to_return_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The company of ours that the customer has a contract with; its law decides some periods.
    legal_entity = models.CharField(
        _("contract with"), max_length=8, blank=True, db_default="", default="", editable=False
    )
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]
    objects = UserManager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes: ClassVar[list[models.Index]] = [
            # The few among the many: counted at each change of one.
            models.Index(
                fields=["id"], condition=models.Q(is_staff=True), name="accounts_user_staff"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("username"),
                name="accounts_user_username",
                violation_error_message=_("This user name is taken. Choose another."),
            ),
            # `few-see`: what somebody may do is what their roles may, and nothing passes that by.
            models.CheckConstraint(
                condition=models.Q(is_superuser=False), name="accounts_no_superuser"
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the normal form of the address and its keyed hashes beside it, always."""
        self.set_address(self.email)
        if (fields := kwargs.get("update_fields")) is not None and "email" in fields:
            kwargs["update_fields"] = {*fields, "address", "address_hashes"}
        super().save(*args, **kwargs)

    def set_address(self, email: str) -> None:
        self.email = email
        self.address = normalise_address(email)
        self.address_hashes = address_hashes(email)

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.username

    @property
    def is_confirmed(self) -> bool:
        return self.email_confirmed_at is not None

    @property
    def is_deactivated(self) -> bool:
        return self.deactivated_at is not None


class Session(AbstractBaseSession):
    """A signed-in browser, so that its owner can see and end it. No IP address: `ip-apart`."""

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    agent = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    @classmethod
    def get_session_store_class(cls) -> "type[SessionBase]":
        from accounts.sessions import SessionStore  # the store knows this model

        return SessionStore


class PersonalToken(models.Model):
    """A person's key for an app of theirs. Only its digest is kept; a revoked one is gone.

    It may change choices, so it shows its owner when it was last used, to the day: `ip-apart`
    keeps from where out of it.
    """

    class Scope(models.TextChoices):
        READ = "preferences:read", _("see my email choices")
        WRITE = "preferences:write", _("change my email choices")

    id = uuid7_key()
    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=TOKEN_NAME_LENGTH)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    last_used_on = models.DateField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # A page that is loaded again would otherwise make another one.
            models.UniqueConstraint(fields=["user", "name"], name="accounts_token_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope_names(self) -> list[str]:
        return [str(self.Scope(scope).label) for scope in self.scopes]


class Invoice(models.Model):
    """A billing record, kept up to 7 years from the end of its transaction (`seven-years`).

    It carries its own copy of who was billed, as book-keeping law wants it, and so outlives the
    account; nothing else may be read from it about a person who left.
    """

    id = uuid7_key()
    customer = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="invoices"
    )
    invoice_number = models.CharField(_("invoice number"), max_length=40, unique=True)
    billed_to = models.CharField(_("billed to"), max_length=300)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    date = models.DateField(_("date"))
    settled_on = models.DateField(_("transaction ended"), null=True, blank=True)
    # Its own copy, for it outlives the account (`retention.policy`: the period of each company).
    legal_entity = models.CharField(
        max_length=8, blank=True, db_default="", default="", editable=False
    )

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        ordering: ClassVar[list[str]] = ["-date"]
        # By which its rule finds what is due and what is oldest.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["settled_on"], name="accounts_invoice_settled"),
            models.Index(
                fields=["date"],
                condition=models.Q(customer=None, settled_on=None),
                name="accounts_invoice_of_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.invoice_number


class Transaction(models.Model):
    """Money that moved: a top-up, a charge, a refund. Kept like the invoice it belongs to."""

    class Kind(models.TextChoices):
        TOP_UP = "top_up", _("top-up")
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")

    id = uuid7_key()
    customer = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="transactions"
    )
    transaction_id = models.CharField(_("transaction number"), max_length=64, unique=True)
    invoice_number = models.CharField(_("invoice number"), max_length=40, blank=True)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=4)
    currency = models.CharField(_("currency"), max_length=3)
    date = models.DateField(_("date"))
    # Null while it is under way: only what has ended has a clock.
    ended_on = models.DateField(_("transaction ended"), null=True, blank=True)
    legal_entity = models.CharField(
        max_length=8, blank=True, db_default="", default="", editable=False
    )

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        ordering: ClassVar[list[str]] = ["-date"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["ended_on"], name="accounts_transaction_ended"),
            models.Index(
                fields=["date"],
                condition=models.Q(customer=None, ended_on=None),
                name="accounts_transaction_of_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.transaction_id
