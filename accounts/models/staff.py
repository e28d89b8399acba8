"""Privileged accounts: how one begins, and who says each year that it is still needed."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from foundation.ids import uuid7_key

PERSON = "accounts.User"


class StaffAccount(User):
    """A colleague's account, as administrators of roles see it: never a customer's."""

    class Meta:
        proxy = True
        verbose_name = _("staff account")
        verbose_name_plural = _("staff accounts")


class StaffInvitation(models.Model):
    """One mail to a colleague-to-be, who makes the account. Open for some days, then void.

    The link is signed and single-use; what it may do stands here, so it can be withdrawn.
    """

    id = uuid7_key()
    email = models.EmailField(_("e-mail address"))
    # Slugs of `accounts.roles`, as the account will have them.
    roles = ArrayField(models.CharField(max_length=30), verbose_name=_("roles"))
    invited_by = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, related_name="+", verbose_name=_("invited by")
    )
    invited_at = models.DateTimeField(_("invited"), db_default=Now())
    expires_at = models.DateTimeField(_("open until"))
    accepted_by = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)

    class Meta:
        verbose_name = _("invitation of staff")
        verbose_name_plural = _("invitations of staff")
        ordering: ClassVar[list[str]] = ["-invited_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="accounts_one_open_invitation",
                violation_error_message=_("This address has an open invitation already."),
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(withdrawn_at=None),
                name="accounts_invitation_ends_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class StaffConfirmation(models.Model):
    """That a colleague, never the person, found a privileged account still needed on this day.

    The newest counts for a year (`accounts.policy`); an account without one enters nothing.
    """

    id = uuid7_key()
    person = models.ForeignKey(
        PERSON, models.CASCADE, related_name="confirmations", verbose_name=_("account")
    )
    roles = ArrayField(models.CharField(max_length=30), verbose_name=_("roles"))
    # Empty for the first, made by the command line of an empty portal, and once they are erased.
    confirmed_by = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, related_name="+", verbose_name=_("confirmed by")
    )
    confirmed_at = models.DateTimeField(_("confirmed"))
    # When they and the administrators were told that the year is nearly over.
    warned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("confirmation of a staff account")
        verbose_name_plural = _("confirmations of staff accounts")
        ordering: ClassVar[list[str]] = ["-confirmed_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "-confirmed_at"], name="accounts_confirmation_newest"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True)
                | ~models.Q(confirmed_by=models.F("person")),
                name="accounts_confirmed_by_another",
                violation_error_message=_("Somebody else must confirm your account."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class StaffCap(models.Model):
    """How many privileged accounts there may be; one row, set from the settings at each migration.

    The database compares with it (`few-see`), so that no code can make one more.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    most = models.SmallIntegerField()

    class Meta:
        verbose_name = _("cap on staff accounts")
        verbose_name_plural = _("caps on staff accounts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="accounts_one_cap"),
        ]

    def __str__(self) -> str:
        return str(self.most)
