"""Signing in."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.chapters.standing import WHILE_ACCOUNT, WHILE_CUSTOMER
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

SIGNING_IN: Final[tuple[Entry, ...]] = (
    Entry(
        model="accounts.Session",
        data_class=DataClass.SIGN_IN,
        title=_("Browsers where you are signed in"),
        purpose=_("to keep you signed in, and to let you sign a browser out"),
        clause="ip-apart",
        fields=kinds(
            technical="session_key session_data expire_date user agent started_at seen_at",
            hidden="session_key session_data user",
        ),
        subject="user_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="sessions",
                title=_("Ended sign-ins"),
                since=_("the sign-in ended"),
                clock="expire_date",
                period=policy.EXPIRED_SESSIONS,
            ),
        ),
        begins="started_at",
        exported=True,
    ),
    Entry(
        model="accounts.PersonalToken",
        data_class=DataClass.SIGN_IN,
        title=_("Access tokens of your own apps"),
        purpose=_("to let an app of yours see or change your choices"),
        clause="few-see",
        fields=kinds(
            content="name scopes last_used_on",
            technical="id user digest created_at expires_at",
            hidden="user digest",
        ),
        subject="user_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="access_tokens",
                title=_("Expired access tokens"),
                since=_("the token expired"),
                clock="expires_at",
                period=policy.EXPIRED_SESSIONS,
            ),
        ),
        begins="created_at",
        exported=True,
    ),
    Entry(
        model="account.EmailConfirmation",
        data_class=DataClass.SIGN_IN,
        title=_("Links that confirm an address"),
        purpose=_("to make sure that an address is yours"),
        clause="welcome-confirms",
        fields=kinds(technical="id email_address created sent key", hidden="email_address key"),
        subject="email_address__user_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="confirmation_links",
                title=_("Links that confirm an address"),
                since=_("the link was made"),
                clock="created",
                period=policy.UNCONFIRMED,
            ),
        ),
        begins="created",
        exported=True,
    ),
    Entry(
        model="account.EmailAddress",
        data_class=DataClass.SIGN_IN,
        title=_("Your email address, and one you are changing to"),
        purpose=_("to confirm an address before we use it"),
        clause="welcome-confirms",
        fields=kinds(contact="email", technical="id user verified primary", hidden="user"),
        subject="user_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="pending_addresses",
                title=_("New addresses that nobody confirmed"),
                since=_("you asked for the change, if nobody confirms it"),
                clock="emailconfirmation__created",
                period=policy.UNCONFIRMED,
                removal=Removal.PENDING_ADDRESSES,
            ),
        ),
        no_clock=WHILE_CUSTOMER,
        exported=True,
    ),
    Entry(
        model="mfa.Authenticator",
        data_class=DataClass.SIGN_IN,
        title=_("Passkeys, codes and other ways to prove that it is you"),
        purpose=_("to protect your account"),
        clause="explicit-ask",
        fields=kinds(technical="id user type data created_at last_used_at", hidden="user data"),
        subject="user_id",
        erasure=OnErasure.DELETE,
        no_clock=WHILE_ACCOUNT,
        begins="created_at",
        exported=True,
    ),
)
