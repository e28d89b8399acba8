"""The schedule: what every table of the portal holds, why, how long, and what erasure does to it.

One table for everybody: enforcement, deletion, export and the public page read this and nothing
else, and `manage.py check` fails on a model or field it does not name. Deletion works through the
personal entries in this order, so what refers to a row stands before it.

A clock starts when a transaction or a relationship ends, never at sign-up and never at a standing
choice: a customer of many years stays a customer, and an old no must not run out.
"""

from typing import Final

from django.apps import apps
from django.db.models import Model, Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

WHILE_CUSTOMER = _("kept as long as you are a customer, and deleted when you ask for it")
WHILE_ACCOUNT = _("kept as long as your account stands or until you remove it")
WHILE_IN_USE = _("kept as long as the portal uses it: it is about nobody")

SCHEDULE: Final[tuple[Entry, ...]] = (
    # --- mails -------------------------------------------------------------------------------
    Entry(
        model="messaging.Message",
        data_class=DataClass.MAIL,
        title=_("Emails we sent you or are about to send"),
        purpose=_("to send each email once, and to answer whether and when you got it"),
        clause="asked-for-mail",
        fields=kinds(
            contact="to_address",
            content="subject text html",
            technical="id kind purpose mailing_id topic_id person_id language state reason "
            "queued_at handed_at finished_at delivered_at priority sender attempts not_before "
            "lease lease_until",
            hidden="text html person_id priority sender attempts not_before lease lease_until",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="outbox",
                title=_("Emails we sent"),
                since=_("the email was written, by whole months"),
                clock="id",
                period=policy.OUTBOX,
                removal=Removal.PARTITIONS,
            ),
            Rule(
                name="mail_to_nobody",
                title=_("Emails to people who are gone"),
                since=_("the account is gone"),
                clock="queued_at",
                period=policy.Period(),
                removal=Removal.MAIL_TO_NOBODY,
            ),
        ),
        begins="queued_at",
        exported=True,
    ),
    Entry(
        model="messaging.ProviderEvent",
        data_class=DataClass.MAIL,
        title=_("What came back about our emails"),
        purpose=_("to obey a request to stop by every way, and to stop writing to dead addresses"),
        clause="obeyed-in-minutes",
        fields=kinds(
            content="kind outcome why status about",
            technical="id provider person_id topic_id message_id mailing_id happened_at "
            "received_at",
            hidden="person_id",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="provider_events",
                title=_("What came back about our emails"),
                since=_("it came in, by whole months"),
                clock="id",
                period=policy.PROVIDER_EVENTS,
                removal=Removal.PARTITIONS,
            ),
        ),
        begins="received_at",
        exported=True,
    ),
    Entry(
        model="messaging.SuppressionComparison",
        data_class=DataClass.PROOF,
        title=_("Comparisons with the mail provider's list"),
        purpose=_("to obey a no that was said to our mail provider"),
        clause="obeyed-in-minutes",
        fields=kinds(
            technical="id compared_at provider theirs same added_here added_there removed_there "
            "lifted_here not_added_there failed error differences"
        ),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="suppression_comparisons",
                title=_("Comparisons with the mail provider's list"),
                since=_("the comparison"),
                clock="compared_at",
                period=policy.PROVIDER_EVENTS,
            ),
        ),
    ),
    Entry(
        model="messaging.Campaign",
        data_class=DataClass.OWN,
        title=_("Newsletters and other optional emails we write"),
        purpose=_("to send them, and to know which email a choice was made from"),
        clause="offers-optional",
        fields=kinds(
            content="subject_nb subject_en preheader_nb preheader_en body_nb body_en",
            identity="author approved_by edited_by",
            technical="id state send_at created_at approved_at resolved_at resolved_through "
            "resolved finished_at number topic segment in_customers_zone edited_at stop_reason",
        ),
        mentions=("author_id", "approved_by_id", "edited_by_id"),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, for the history of your choices refers to it; it names no customer"),
    ),
    Entry(
        model="messaging.ServiceAnnouncement",
        data_class=DataClass.OWN,
        title=_("Service announcements we write"),
        purpose=_("to send them, and to show that they are rare and never marketing"),
        clause="service-is-service",
        fields=kinds(
            content="subject_nb subject_en preheader_nb preheader_en body_nb body_en review_note",
            identity="author approved_by edited_by sent_by reviewed_by writers",
            technical="id state send_at created_at approved_at resolved_at resolved_through "
            "resolved finished_at category is_standing prepared_from edited_at reviewed_at "
            "stop_reason",
        ),
        mentions=(
            "author_id",
            "approved_by_id",
            "edited_by_id",
            "sent_by_id",
            "reviewed_by_id",
            "writers",
        ),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, to show what we announced; it names no customer"),
    ),
    Entry(
        model="messaging.Segment",
        data_class=DataClass.OWN,
        title=_("Segments we write to"),
        purpose=_("to tailor optional emails to those who chose tailoring"),
        clause="purpose-bound",
        fields=kinds(
            content="name",
            demographic="countries languages since_from since_until",
            identity="created_by",
            technical="id created_at",
        ),
        mentions=("created_by_id",),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, for campaigns refer to it; it names no customer"),
    ),
    Entry(
        model="messaging.MailImage",
        data_class=DataClass.OWN,
        title=_("Pictures in our emails"),
        purpose=_("to show them to the reader, at one address for everybody"),
        clause="offers-optional",
        fields=kinds(
            content="name data",
            identity="uploaded_by",
            technical="id digest content_type width height size uploaded_at",
        ),
        mentions=("uploaded_by_id",),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, for emails already delivered show it; it names no customer"),
    ),
    Entry(
        model="messaging.SendingLimit",
        data_class=DataClass.OWN,
        title=_("How fast our emails may leave"),
        purpose=_("to send no faster than mail providers accept"),
        clause="asked-for-mail",
        fields=kinds(technical="id domain per_minute burst next_at"),
        erasure=OnErasure.NOBODY,
        no_clock=_("a setting; it names no customer"),
    ),
    # --- choices -----------------------------------------------------------------------------
    Entry(
        model="consent.Preference",
        data_class=DataClass.CHOICES,
        title=_("Your yes or no to each topic"),
        purpose=_("to send you what you asked for, and nothing else"),
        clause="asked-for-mail",
        fields=kinds(
            content="state paused_until source since",
            technical="id person topic version",
            hidden="person",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        no_clock=_("has no clock: a choice stands until you change it, and a no never runs out"),
        begins="since",
        exported=True,
    ),
    Entry(
        model="consent.ConsentDetail",
        data_class=DataClass.CHOICES,
        title=_("When and how you made each choice"),
        purpose=_("to show you, and to prove, what you chose"),
        clause="offers-optional",
        fields=kinds(
            identity="person_id actor",
            content="state_before state paused_until paused_until_before undone source reason "
            "language wording_version at received_at",
            technical="id topic_id version mailing salt",
            hidden="person_id actor salt",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="superseded_choices",
                title=_("Choices that a newer one replaced"),
                since=_("a newer choice replaced it"),
                clock="at",
                period=policy.SUPERSEDED_CHOICES,
                removal=Removal.SUPERSEDED_CHOICES,
            ),
        ),
        no_clock=_("the choice that stands has no clock"),
        begins="at",
        exported=True,
    ),
    Entry(
        model="consent.Suppression",
        data_class=DataClass.PROOF,
        title=_("Fingerprint of an address that gets nothing optional"),
        purpose=_("to send nothing optional to an address whose owner is gone or said no"),
        clause="erased-on-request",
        fields=kinds(contact="address_hash", technical="id key_id reason since review_on"),
        erasure=OnErasure.KEEP,
        why_kept=_(
            "a keyed fingerprint of your email address, from which nobody can read the address: "
            "it is what keeps optional email from reaching you again, from a list or an import. "
            "Our journal outside the database holds it too, so that a restored backup brings "
            "neither your data nor our email back"
        ),
        no_clock=_("has no clock, for a no must not run out; we review it every 3 years"),
    ),
    Entry(
        model="consent.Leaf",
        data_class=DataClass.PROOF,
        title=_("Log of fingerprints of choices"),
        purpose=_("to prove that no choice was changed or lost afterwards"),
        clause="obeyed-in-minutes",
        fields=kinds(technical="index kind event_id hash sealed_at"),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept: without the choice itself it says nothing about anybody"),
    ),
    *(
        Entry(
            model=f"consent.{model}",
            data_class=DataClass.PROOF,
            title=_("Log of fingerprints of choices"),
            purpose=_("to prove that no choice was changed or lost afterwards"),
            clause="obeyed-in-minutes",
            fields=kinds(technical=columns),
            erasure=OnErasure.NOBODY,
            no_clock=_("kept: without the choice itself it says nothing about anybody"),
        )
        for model, columns in (
            ("Node", "number hash"),
            ("LogKey", "number public origin since"),
            ("Head", "size root signed_at key signature"),
        )
    ),
    # --- other systems -----------------------------------------------------------------------
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
    # --- what staff did ----------------------------------------------------------------------
    Entry(
        model="admin.LogEntry",
        data_class=DataClass.STAFF_LOG,
        title=_("What our staff changed in your account"),
        purpose=_("to see who changed what"),
        clause="few-see",
        fields=kinds(
            identity="user object_id object_repr",
            content="change_message",
            technical="id action_time content_type action_flag",
            hidden="user content_type",
        ),
        subject="object_id",
        erasure=OnErasure.BLANK,
        blanked=("object_id", "object_repr", "change_message"),
        why_kept=_("that a member of staff did something stays; to whom is blanked"),
        rules=(
            Rule(
                name="staff_log",
                title=_("What our staff did"),
                since=_("it was done"),
                clock="action_time",
                period=policy.STAFF_LOG,
            ),
        ),
        begins="action_time",
        exported=True,
    ),
    # --- signing in --------------------------------------------------------------------------
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
    # --- billing -----------------------------------------------------------------------------
    Entry(
        model="accounts.Invoice",
        data_class=DataClass.BILLING,
        title=_("Invoices"),
        purpose=_("to bill you, and to keep accounts as the law on book-keeping demands"),
        clause="seven-years",
        fields=kinds(
            financial="invoice_number billed_to amount currency date settled_on",
            technical="id customer",
            hidden="customer",
        ),
        subject="customer_id",
        erasure=OnErasure.KEEP,
        blanked=("customer_id",),
        why_kept=_(
            "the law on book-keeping demands them; they are no longer tied to an account, and hold "
            "nothing but what was billed to whom"
        ),
        rules=(
            Rule(
                name="invoices",
                title=_("Invoices"),
                since=_("the invoice was settled"),
                clock="settled_on",
                period=policy.BILLING,
            ),
        ),
        no_clock=_("an invoice that is not settled has no clock yet"),
        begins="date",
        exported=True,
    ),
    # --- the account itself, last ------------------------------------------------------------
    Entry(
        model="accounts.User_groups",
        data_class=DataClass.OPERATION,
        title=_("Roles of staff"),
        purpose=_("to let few staff do little"),
        clause="few-see",
        fields=kinds(technical="id user group"),
        subject="user_id",
        erasure=OnErasure.DELETE,
        no_clock=_("kept as long as somebody has the role"),
    ),
    Entry(
        model="accounts.User_user_permissions",
        data_class=DataClass.OPERATION,
        title=_("Single rights of staff"),
        purpose=_("to let few staff do little"),
        clause="few-see",
        fields=kinds(technical="id user permission"),
        subject="user_id",
        erasure=OnErasure.DELETE,
        no_clock=_("kept as long as somebody has the right"),
    ),
    Entry(
        model="accounts.User",
        data_class=DataClass.ACCOUNT,
        title=_("Your account and profile"),
        purpose=_("to give you your own access and to reach you while you use it"),
        clause="purpose-bound",
        fields=kinds(
            identity="id username first_name last_name company platform_id",
            contact="email phone address address_hashes support_channel",
            demographic="country language timezone",
            technical="password last_login email_confirmed_at signed_up_at deactivated_at "
            "is_active is_staff is_superuser",
            hidden="password address address_hashes is_staff is_superuser",
        ),
        subject="id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="unconfirmed_accounts",
                title=_("Accounts that nobody confirmed"),
                since=_("sign-up, if nobody confirms the account"),
                clock="signed_up_at",
                period=policy.UNCONFIRMED,
                removal=Removal.WHOLE_ACCOUNTS,
                only=Q(is_staff=False, email_confirmed_at__isnull=True),
            ),
        ),
        no_clock=WHILE_CUSTOMER,
        begins="signed_up_at",
        exported=True,
    ),
    # --- proof -------------------------------------------------------------------------------
    Entry(
        model="retention.DeletionStep",
        data_class=DataClass.PROOF,
        title=_("Steps of deletions"),
        purpose=_("to finish a deletion whatever happens meanwhile"),
        clause="erased-on-request",
        fields=kinds(technical="id request position name removed blanked finished_at"),
        erasure=OnErasure.NOBODY,
        no_clock=_("goes with its deletion request"),
    ),
    Entry(
        model="retention.DeletionRequest",
        data_class=DataClass.PROOF,
        title=_("That a deletion was done"),
        purpose=_("to prove that we deleted what we were asked to delete"),
        clause="erased-on-request",
        fields=kinds(
            identity="person_id actor",
            technical="id reference state source requested_at finished_at removed blanked "
            "kept journal_position journal_chain announcement announced",
        ),
        erasure=OnErasure.KEEP,
        why_kept=_("that a deletion was done, when, and how much of what; it names nobody"),
        rules=(
            Rule(
                name="deletion_requests",
                title=_("That a deletion was done"),
                since=_("it was done"),
                clock="finished_at",
                period=policy.PROOF,
            ),
        ),
    ),
    Entry(
        model="retention.JournalMark",
        data_class=DataClass.PROOF,
        title=_("How far the journal is known"),
        purpose=_("to notice that an older state of the database was restored"),
        clause="obeyed-in-minutes",
        fields=kinds(technical="id position chain leaves head topics retired moved_at"),
        erasure=OnErasure.NOBODY,
        no_clock=WHILE_IN_USE,
    ),
    Entry(
        model="retention.RetentionRun",
        data_class=DataClass.PROOF,
        title=_("Runs of these rules"),
        purpose=_("to prove that data goes when its time is over"),
        clause="gone-when-needless",
        fields=kinds(
            identity="actor",
            technical="id rule cutoff removed partitions started_at duration longest_batch refused",
        ),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="retention_runs",
                title=_("Runs of these rules"),
                since=_("the run"),
                clock="started_at",
                period=policy.PROOF,
            ),
        ),
    ),
    Entry(
        model="clicksend_portal.PromiseReading",
        data_class=DataClass.PROOF,
        title=_("Readings of our promises"),
        purpose=_("to show whether we keep our promises"),
        clause="gone-when-needless",
        fields=kinds(technical="id promise state evidence value measured_at"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="readings",
                title=_("Readings of our promises"),
                since=_("the reading"),
                clock="measured_at",
                period=policy.READINGS,
            ),
        ),
    ),
    Entry(
        model="clicksend_portal.PromiseDay",
        data_class=DataClass.PROOF,
        title=_("Days on which our promises were kept"),
        purpose=_("to show whether we keep our promises"),
        clause="gone-when-needless",
        fields=kinds(technical="id promise day worst"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="promise_days",
                title=_("Days on which our promises were kept"),
                since=_("the day"),
                clock="day",
                period=policy.PROMISE_DAYS,
            ),
        ),
    ),
    # --- running the portal ------------------------------------------------------------------
    Entry(
        model="clicksend_portal.PageCount",
        data_class=DataClass.OPERATION,
        title=_("How often each page is visited"),
        purpose=_("to see which pages are used; never who reads them"),
        clause="pages-not-people",
        fields=kinds(technical="id page day views"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="page_counts",
                title=_("How often each page is visited"),
                since=_("the day"),
                clock="day",
                period=policy.PAGE_COUNTS,
            ),
        ),
    ),
    *(
        Entry(
            model=model,
            data_class=DataClass.OPERATION,
            title=_("Roles of staff"),
            purpose=_("to let few staff do little"),
            clause="few-see",
            fields=kinds(technical=columns),
            erasure=OnErasure.NOBODY,
            no_clock=WHILE_IN_USE,
        )
        for model, columns in (
            ("auth.Group", "id name"),
            ("auth.Group_permissions", "id group permission"),
            ("auth.Permission", "id name content_type codename"),
            ("contenttypes.ContentType", "id app_label model"),
        )
    ),
    *(
        Entry(
            model=f"django_celery_beat.{model}",
            data_class=DataClass.OPERATION,
            title=_("Timetable of recurring work"),
            purpose=_("to do recurring work, such as these rules, on time"),
            clause="gone-when-needless",
            fields=kinds(technical=columns),
            erasure=OnErasure.NOBODY,
            no_clock=WHILE_IN_USE,
        )
        for model, columns in (
            ("SolarSchedule", "id event latitude longitude"),
            ("IntervalSchedule", "id every period"),
            ("ClockedSchedule", "id clocked_time"),
            ("CrontabSchedule", "id minute hour day_of_month month_of_year day_of_week timezone"),
            ("PeriodicTasks", "ident last_update"),
            (
                "PeriodicTask",
                (
                    "id name task interval crontab solar clocked args kwargs queue exchange "
                    "routing_key headers priority expires expire_seconds one_off start_time "
                    "enabled last_run_at total_run_count date_changed description"
                ),
            ),
        )
    ),
)

ENTRIES: Final = {entry.model: entry for entry in SCHEDULE}
RULES: Final = {rule.name: (entry, rule) for entry in SCHEDULE for rule in entry.rules}


def model_of(entry: Entry) -> type[Model]:
    return apps.get_model(entry.model)


def entries_of(data_class: str) -> list[Entry]:
    return [entry for entry in SCHEDULE if entry.data_class == data_class]


def personal_entries() -> list[Entry]:
    """Those with rows about a person, in the order in which a deletion works through them."""
    return [entry for entry in SCHEDULE if entry.subject]
