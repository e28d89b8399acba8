"""What customers keep with us of their own. Nobody else reads it (`content-private`)."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, Leaves, OnErasure, Removal, Rule, Then, kinds

WHILE_YOURS = _("kept until you delete it or your account")

CONTENT: Final[tuple[Entry, ...]] = (
    Entry(
        model="messaging.UploadProblem",
        data_class=DataClass.CONTENT,
        title=_("Lines of uploaded files that were not taken"),
        purpose=_("to show you which line was not taken, and why"),
        clause="content-private",
        fields=kinds(
            content="value", technical="id upload customer line column reason", hidden="customer"
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        no_clock=_("goes with the upload it belongs to"),
        exported=True,
    ),
    Entry(
        model="messaging.UploadPart",
        data_class=DataClass.CONTENT,
        title=_("Uploaded files that are being read"),
        purpose=_("to take your contacts into your list"),
        clause="content-private",
        fields=kinds(content="data", technical="id upload customer number"),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        no_clock=_(
            "gone as soon as the file is read, or with an upload you do not confirm; lines that "
            "were not taken stay with the upload they belong to, for you to mend"
        ),
    ),
    Entry(
        model="messaging.ListUpload",
        data_class=DataClass.CONTENT,
        title=_("Uploads of contact lists"),
        purpose=_("to show you what became of a file you uploaded"),
        clause="content-private",
        fields=kinds(
            content="file_name",
            technical="id customer contact_list state delimiter encoding has_header mapping "
            "country rows_total rows_done added changed duplicates opted_out bad made_at "
            "moved_at finished_at failure",
            hidden="customer",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="list_uploads",
                title=_("Uploads of contact lists"),
                since=_("the upload"),
                clock="made_at",
                period=policy.UPLOADS,
            ),
            Rule(
                name="unconfirmed_uploads",
                title=_("Uploads you did not confirm"),
                since=_("the upload of a file whose reading you did not confirm"),
                clock="made_at",
                period=policy.UPLOADS_UNCONFIRMED,
                only=Q(state="uploaded"),
            ),
        ),
        begins="made_at",
        exported=True,
    ),
    Entry(
        model="messaging.Contact",
        data_class=DataClass.CONTENT,
        title=_("Your contacts"),
        purpose=_("to let you write to your own contacts; we never do"),
        clause="lists-untouched",
        fields=kinds(
            identity="first_name last_name organization_name",
            contact="phone_number email address_line_1 address_line_2 address_city address_state "
            "address_postal_code address_country",
            content="custom_1 custom_2 custom_3 custom_4",
            technical="id contact_list customer contact_id added_at uploaded_at",
            hidden="customer",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        no_clock=WHILE_YOURS,
        begins="added_at",
        exported=True,
    ),
    Entry(
        model="messaging.ContactList",
        data_class=DataClass.CONTENT,
        title=_("Your contact lists"),
        purpose=_("to let you write to your own contacts; we never do"),
        clause="lists-untouched",
        fields=kinds(
            content="list_name", technical="id customer list_id made_at", hidden="customer"
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        no_clock=WHILE_YOURS,
        begins="made_at",
        exported=True,
    ),
    Entry(
        model="messaging.ContactOptOut",
        data_class=DataClass.CONTENT,
        title=_("Contacts who told you to stop"),
        purpose=_("to keep those who said no to you out of your lists"),
        clause="lists-untouched",
        fields=kinds(contact="contact", technical="id customer since", hidden="customer"),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        no_clock=WHILE_YOURS,
        begins="since",
        exported=True,
    ),
    Entry(
        model="messaging.MessageContent",
        data_class=DataClass.CONTENT,
        title=_("What your messages said, and to whom"),
        purpose=_("to deliver your messages, and to let you look them up"),
        clause="de-identified",
        fields=kinds(
            identity="first_name last_name contact_id",
            contact="sent_from sent_to",
            content="body custom_string",
            technical="id customer_id",
            hidden="customer_id",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="message_content",
                title=_("What your messages said, and to whom"),
                since=_("the message"),
                clock="id",
                period=policy.MESSAGE_CONTENT,
                removal=Removal.PARTITIONS,
                leaves=Leaves(
                    "messaging.MessageRecord",
                    _("that it was sent, and what it cost, stays"),
                    Then.BLANK,
                ),
            ),
        ),
        exported=True,
    ),
    Entry(
        model="messaging.MessageRecord",
        data_class=DataClass.CONTENT,
        title=_("That your messages were sent, and what they cost"),
        purpose=_("to bill you, and to keep accounts as the law on book-keeping demands"),
        clause="seven-years",
        fields=kinds(
            financial="message_parts message_price currency",
            technical="id customer_id message_id kind direction date status country carrier "
            "list_id",
            hidden="customer_id",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="message_records",
                title=_("That your messages were sent, and what they cost"),
                # A month holds the messages of all companies' customers.
                since=_("the message, whichever company of ours you have a contract with"),
                clock="id",
                period=policy.MESSAGE_RECORDS,
                removal=Removal.PARTITIONS,
            ),
        ),
        begins="date",
        exported=True,
    ),
    Entry(
        model="messaging.Report",
        data_class=DataClass.CONTENT,
        title=_("Reports about your sending"),
        purpose=_("to show you how your sending went"),
        clause="content-private",
        fields=kinds(
            content="report_name content", technical="id customer report_id date", hidden="customer"
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="reports",
                title=_("Reports about your sending"),
                since=_("the report"),
                clock="date",
                period=policy.REPORTS,
            ),
        ),
        begins="date",
        exported=True,
    ),
    Entry(
        model="messaging.Tombstone",
        data_class=DataClass.CONTENT,
        title=_("Traces of what you deleted"),
        purpose=_("to keep out what you deleted here when the platform sends it again"),
        clause="erased-on-request",
        fields=kinds(technical="id customer kind digest made_at", hidden="customer digest"),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="message_tombstones",
                title=_("Traces of messages you deleted"),
                since=_("you deleted the message"),
                clock="made_at",
                period=policy.MESSAGE_TOMBSTONES,
                only=Q(kind="message"),
            ),
            Rule(
                name="report_tombstones",
                title=_("Traces of reports you deleted"),
                since=_("you deleted the report"),
                clock="made_at",
                period=policy.REPORT_TOMBSTONES,
                only=Q(kind="report"),
            ),
        ),
        no_clock=_(
            "that you deleted a contact list or a contact counts as long as you have an account"
        ),
        begins="made_at",
        exported=True,
    ),
    # No legal hold is asked before a period is closed: one keeps words that are here, and what this
    # keeps out never is.
    Entry(
        model="messaging.DeidentifiedStretch",
        data_class=DataClass.CONTENT,
        title=_("Periods of which you deleted what your messages said"),
        purpose=_("to keep out what messages of that time said when the platform sends them later"),
        clause="de-identified",
        fields=kinds(technical="id customer first before made_at", hidden="customer"),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="deidentified_stretches",
                title=_("Periods of which you deleted what your messages said"),
                # By then nobody's words of that time are taken any more.
                since=_("the period ended"),
                clock="before",
                period=policy.DEIDENTIFIED_STRETCHES,
            ),
        ),
        begins="made_at",
        exported=True,
    ),
    Entry(
        model="messaging.OwnDeed",
        data_class=DataClass.CONTENT,
        title=_("What you deleted, on its way into our journal"),
        purpose=_("to delete it again, should the database be restored from a backup"),
        clause="erased-on-request",
        fields=kinds(
            technical="id customer what key digests is_numbered first before done_at "
            "journal_position journaled_at waits",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="own_deeds",
                title=_("What you deleted, on its way into our journal"),
                since=_("the journal knows it and it is done"),
                clock="journaled_at",
                period=policy.OWN_DEEDS,
                only=Q(waits=False),
            ),
        ),
        no_clock=_(
            "our journal outside the database keeps it as keyed fingerprints, which nobody can "
            "read, until 3 years after the end of the year"
        ),
        begins="done_at",
    ),
    Entry(
        model="retention.ExportPart",
        data_class=DataClass.CONTENT,
        title=_("Pieces of the archives you asked for"),
        purpose=_("to let you take your data along"),
        clause="erased-on-request",
        fields=kinds(content="data", technical="id export customer number"),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        no_clock=_("goes with the archive it belongs to"),
    ),
    Entry(
        model="retention.Export",
        data_class=DataClass.CONTENT,
        title=_("Archives you asked for"),
        purpose=_("to let you take your data along"),
        clause="erased-on-request",
        fields=kinds(
            technical="id customer state actor language requested_at moved_at rows_total rows_done "
            "finished_at expires_at size sha256 checkpoint",
            hidden="customer moved_at checkpoint",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="exports",
                title=_("Archives you asked for"),
                since=_("you asked for it"),
                clock="requested_at",
                period=policy.EXPORTS,
            ),
        ),
        begins="requested_at",
        exported=True,
    ),
    Entry(
        model="retention.HeldRow",
        data_class=DataClass.CONTENT,
        title=_("Records kept for a dispute or an authority"),
        purpose=_("to keep what a legal hold names, and nothing else, past its time"),
        clause="gone-when-needless",
        fields=kinds(
            content="row",
            technical="id model key customer_id dated copied_at",
            hidden="customer_id",
        ),
        subject="customer_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="held_rows",
                title=_("Records kept for a dispute or an authority"),
                since=_("no legal hold names them any more"),
                clock="copied_at",
                period=policy.Period(),
                removal=Removal.RELEASED_ROWS,
            ),
        ),
        begins="dated",
        exported=True,
    ),
)
