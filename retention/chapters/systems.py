"""What other systems of ours are told."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.chapters.standing import WHILE_IN_USE
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

SYSTEMS: Final[tuple[Entry, ...]] = (
    Entry(
        model="consent.ServiceKey",
        data_class=DataClass.OPERATION,
        title=_("Keys of our other systems"),
        purpose=_("to let our other systems ask who may be written to"),
        clause="asked-for-mail",
        fields=kinds(technical="id name scopes digest created_at last_used_on revoked_at"),
        erasure=OnErasure.NOBODY,
        no_clock=WHILE_IN_USE,
    ),
    Entry(
        model="consent.Delivery",
        data_class=DataClass.OPERATION,
        title=_("What we told our other systems of your choices"),
        purpose=_("to let every system of ours obey a choice at once"),
        clause="obeyed-in-minutes",
        fields=kinds(
            identity="person_id",
            content="body",
            technical="id webhook event_id state attempts not_before answer made_at finished_at",
            hidden="person_id webhook not_before",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        why_kept=_(
            "one notice to each of those systems that you are erased, with your key and customer "
            "number: its content goes when it is answered, after a week at the latest"
        ),
        law=_("GDPR Art. 19: whoever got your data from us must be told that it is erased"),
        rules=(
            Rule(
                name="webhook_deliveries",
                title=_("What we told our other systems"),
                since=_("they were told, or we gave up"),
                clock="finished_at",
                period=policy.DELIVERIES,
            ),
        ),
        begins="made_at",
        exported=True,
    ),
    Entry(
        model="consent.Webhook",
        data_class=DataClass.OPERATION,
        title=_("Addresses of our other systems"),
        purpose=_("to let every system of ours obey a choice at once"),
        clause="obeyed-in-minutes",
        fields=kinds(
            technical="id name url events secret former_secret former_until created_at cursor "
            "paused_at"
        ),
        erasure=OnErasure.NOBODY,
        no_clock=WHILE_IN_USE,
    ),
    Entry(
        model="consent.TopicWording",
        data_class=DataClass.OWN,
        title=_("What each topic said when we asked"),
        purpose=_("to show which words a choice was made on"),
        clause="explicit-ask",
        fields=kinds(
            content="name_nb name_en description_nb description_en",
            technical="id topic version created_at",
        ),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept as long as a choice refers to it: it is about nobody"),
    ),
    Entry(
        model="consent.Topic",
        data_class=DataClass.OWN,
        title=_("Topics"),
        purpose=_("to ask for each kind of email on its own"),
        clause="offers-optional",
        fields=kinds(
            technical="id number slug kind position wording_version created_at retired_at"
        ),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept as long as a choice refers to it: it is about nobody"),
    ),
)
