"""The privacy officer's desk: requests, breaches, processors, declared accesses, alerts.

What the law counts is held by the database: the month of a request, what was answered, the moment
from which the 72 hours of a breach run.
"""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import foundation.ids
import uuid
from django.conf import settings
from django.db import migrations, models

# A day on which a request is due moves once, within its month and with a reason (GDPR art. 12 (3)).
# What was answered stands; an erasure, which the keeper alone does, empties what leads to a person,
# and closes what was open: there is nobody left to answer.
REQUESTS = """
REVOKE DELETE ON retention_privacyrequest FROM portal_app;

CREATE FUNCTION retention_keep_request() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    fixed CONSTANT text[] := '{id,reference,kind,source,received_at,received_on,form,actor}';
    emptied CONSTANT text[] := '{person_id,name,email,text,answer,list_owner,identity_how,'
        'extended_because,access_event_id,deletion_reference,passed_to,assigned_to_id}';
    staff CONSTANT text[] := '{actor,identity_by,answered_by,assigned_to_id,passed_to}';
    -- A colleague who leaves hands on what they took.
    handled CONSTANT text[] := '{assigned_to_id}';
    allowed text[];
    why text;
    was jsonb;
    is_now jsonb := to_jsonb(NEW);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.answer <> '' OR NEW.extended_at IS NOT NULL
           OR NEW.due_on > NEW.received_on + interval '1 month'
        THEN
            why := 'a request begins open, and is due within a month';
        END IF;
    ELSE
        was := to_jsonb(OLD);
        -- A colleague or the owner of a list is erased: what they did stays, their key goes.
        IF current_user = 'portal_keeper' AND was - staff = is_now - staff AND NOT EXISTS (
            SELECT FROM unnest(staff) AS name
             WHERE was -> name <> is_now -> name AND is_now -> name NOT IN ('null', '""'))
        THEN
            RETURN NEW;
        END IF;
        IF OLD.person_id IS NOT NULL AND NEW.person_id IS NULL
           AND current_user = 'portal_keeper'
        THEN
            IF NEW.state = 'open' THEN
                NEW.state := 'withdrawn';
                NEW.closed_at := now();
            END IF;
            RETURN NEW;
        END IF;
        IF EXISTS (SELECT FROM unnest(fixed) AS name WHERE was -> name <> is_now -> name)
           OR was -> 'person_id' <> is_now -> 'person_id'
        THEN
            why := 'who asked for what, and when, stands';
        ELSIF OLD.state <> 'open' THEN
            allowed := CASE current_user WHEN 'portal_keeper' THEN emptied ELSE handled END;
            IF was - allowed <> is_now - allowed OR EXISTS (
                SELECT FROM unnest(allowed) AS name
                 WHERE was -> name <> is_now -> name AND is_now -> name NOT IN ('null', '""'))
            THEN
                why := 'what was answered stands as it was answered';
            END IF;
        ELSIF (NEW.extended_at, NEW.extended_because, NEW.due_on) IS DISTINCT FROM
              (OLD.extended_at, OLD.extended_because, OLD.due_on)
        THEN
            IF OLD.extended_at IS NOT NULL OR NEW.extended_at IS NULL OR NEW.extended_because = ''
               -- The last day of whoever asks lasts until the next of this clock, west of it.
               OR (NEW.extended_at AT TIME ZONE 'UTC')::date > OLD.due_on + 1
               OR NEW.due_on > OLD.received_on + interval '3 months'
            THEN
                why := 'it takes longer once, told with the reason within the month';
            END IF;
        END IF;
        IF why IS NULL AND OLD.state = 'open' AND OLD.identity_at IS NOT NULL
           AND (NEW.identity_at, NEW.identity_by, NEW.identity_how) IS DISTINCT FROM
               (OLD.identity_at, OLD.identity_by, OLD.identity_how)
        THEN
            why := 'how we made sure of who is asking stands';
        END IF;
        IF why IS NULL AND OLD.state = 'open' AND NEW.state NOT IN ('open', 'withdrawn')
           AND (NEW.answer = '' OR NEW.answered_by = '')
        THEN
            why := 'an answer has words, and somebody who gave it';
        END IF;
    END IF;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION '%', why
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER retention_request_stands BEFORE INSERT OR UPDATE ON retention_privacyrequest
    FOR EACH ROW EXECUTE FUNCTION retention_keep_request();
"""

# What landed without saying where it looks: a temporary table would come first.
LOOKS = """
ALTER FUNCTION retention_guard_request() SET search_path = public, pg_temp;
ALTER FUNCTION retention_guard_step() SET search_path = public, pg_temp;
ALTER FUNCTION retention_keep_item() SET search_path = public, pg_temp;
ALTER FUNCTION retention_keep_destruction() SET search_path = public, pg_temp;
ALTER FUNCTION messaging_contacts_are_held(uuid, timestamptz) SET search_path = public, pg_temp;
"""

# The 72 hours of art. 33 (1) can be found to have begun earlier, never later.
BREACHES = """
REVOKE DELETE ON retention_breach FROM portal_app;

CREATE FUNCTION retention_keep_breach() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    names CONSTANT text[] := '{registered_by_id,closed_by_id}';
BEGIN
    IF NEW.aware_at > OLD.aware_at OR NEW.registered_at <> OLD.registered_at THEN
        RAISE EXCEPTION 'the clock of a breach can only be found to have begun earlier'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    IF OLD.closed_at IS NOT NULL AND (
        to_jsonb(NEW) - names <> to_jsonb(OLD) - names
        OR (NEW.registered_by_id IS NOT NULL
            AND NEW.registered_by_id IS DISTINCT FROM OLD.registered_by_id)
        OR (NEW.closed_by_id IS NOT NULL AND NEW.closed_by_id IS DISTINCT FROM OLD.closed_by_id))
    THEN
        RAISE EXCEPTION 'a closed case stands as it was closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER retention_breach_stands BEFORE UPDATE ON retention_breach
    FOR EACH ROW EXECUTE FUNCTION retention_keep_breach();
"""

# What was published is ended, not taken away; who was told of what stays told.
PUBLISHED = """
REVOKE DELETE ON retention_processor, retention_declaredaccess, retention_promisealert
    FROM portal_app;
"""

GONE = "DROP FUNCTION IF EXISTS retention_keep_request, retention_keep_breach CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0009_items"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Processor",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=foundation.ids.UUIDv7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="company")),
                ("country", models.CharField(max_length=120, verbose_name="where")),
                (
                    "task_nb",
                    models.CharField(max_length=200, verbose_name="what for, in Norwegian"),
                ),
                ("task_en", models.CharField(max_length=200, verbose_name="what for, in English")),
                (
                    "data_nb",
                    models.CharField(max_length=200, verbose_name="which data, in Norwegian"),
                ),
                (
                    "data_en",
                    models.CharField(max_length=200, verbose_name="which data, in English"),
                ),
                (
                    "transfer",
                    models.CharField(
                        choices=[
                            ("none", "stays within the EEA"),
                            ("adequate", "a country the Commission finds adequate (art. 45)"),
                            ("clauses", "standard contractual clauses (art. 46)"),
                        ],
                        max_length=8,
                        verbose_name="transfer",
                    ),
                ),
                ("agreement_on", models.DateField(verbose_name="agreement of")),
                ("since", models.DateField(verbose_name="since")),
                ("until", models.DateField(blank=True, null=True, verbose_name="until")),
                (
                    "can_read",
                    models.BooleanField(
                        default=True, verbose_name="their people can read the data"
                    ),
                ),
                ("confirmed_on", models.DateField(verbose_name="last looked at")),
            ],
            options={
                "verbose_name": "processor",
                "verbose_name_plural": "processors",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("agreement_on__lte", models.F("since"))),
                        name="retention_agreement_before_data",
                        violation_error_message="The agreement comes before the first data.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__isnull", True),
                            ("until__gte", models.F("since")),
                            _connector="OR",
                        ),
                        name="retention_processor_ends_after_start",
                        violation_error_message="It cannot end before it began.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PromiseAlert",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=foundation.ids.UUIDv7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("promise", models.SlugField(verbose_name="promise")),
                ("state", models.CharField(max_length=12, verbose_name="turned")),
                ("turned_at", models.DateTimeField(verbose_name="seen")),
                ("told", models.EmailField(max_length=254, verbose_name="told")),
                ("over_at", models.DateTimeField(null=True, verbose_name="over")),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name": "alert about a promise",
                "verbose_name_plural": "alerts about promises",
                "ordering": ["-turned_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("over_at", None)),
                        fields=("promise",),
                        name="retention_one_alert_a_turn",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Breach",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=foundation.ids.UUIDv7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("title", models.CharField(max_length=150, verbose_name="what, in a few words")),
                ("what_happened", models.TextField(verbose_name="what happened")),
                (
                    "confidentiality",
                    models.BooleanField(
                        default=False, verbose_name="somebody saw what they must not see"
                    ),
                ),
                ("integrity", models.BooleanField(default=False, verbose_name="data were changed")),
                (
                    "availability",
                    models.BooleanField(
                        default=False, verbose_name="data were lost or out of reach"
                    ),
                ),
                ("began_at", models.DateTimeField(blank=True, null=True, verbose_name="began")),
                ("aware_at", models.DateTimeField(verbose_name="we became aware of it")),
                (
                    "data_concerned",
                    models.CharField(
                        blank=True, max_length=300, verbose_name="which kinds of data"
                    ),
                ),
                (
                    "people",
                    models.IntegerField(
                        blank=True, null=True, verbose_name="about how many people"
                    ),
                ),
                (
                    "records",
                    models.IntegerField(
                        blank=True, null=True, verbose_name="about how many records"
                    ),
                ),
                ("consequences", models.TextField(blank=True, verbose_name="likely consequences")),
                ("measures", models.TextField(blank=True, verbose_name="what we do about it")),
                (
                    "risk",
                    models.CharField(
                        choices=[
                            ("unknown", "not assessed yet"),
                            ("unlikely", "a risk to people is unlikely (nobody need be told)"),
                            ("risk", "a risk to people (the authority is told, art. 33)"),
                            ("high", "a high risk to people (they are told as well, art. 34)"),
                        ],
                        default="unknown",
                        max_length=8,
                        verbose_name="risk",
                    ),
                ),
                (
                    "legal_entity",
                    models.CharField(blank=True, max_length=8, verbose_name="company of ours"),
                ),
                ("registered_at", models.DateTimeField(verbose_name="registered")),
                (
                    "notified_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="authority told"),
                ),
                (
                    "notified_as",
                    models.CharField(blank=True, max_length=80, verbose_name="its case number"),
                ),
                (
                    "late_because",
                    models.CharField(blank=True, max_length=500, verbose_name="why late"),
                ),
                (
                    "not_notified_because",
                    models.CharField(
                        blank=True, max_length=500, verbose_name="why the authority is not told"
                    ),
                ),
                (
                    "people_told_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="people told"),
                ),
                (
                    "people_told_how",
                    models.CharField(blank=True, max_length=300, verbose_name="how they were told"),
                ),
                (
                    "people_untold",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_high_risk", "no high risk to them (art. 34 (1))"),
                            ("unreadable", "the data were unreadable to others (art. 34 (3) (a))"),
                            ("averted", "the high risk has been averted (art. 34 (3) (b))"),
                            ("published", "told in public instead (art. 34 (3) (c))"),
                        ],
                        max_length=12,
                        verbose_name="why people are not told",
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                ("alarms", models.SmallIntegerField(default=0, editable=False)),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="closed by",
                    ),
                ),
                (
                    "registered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="registered by",
                    ),
                ),
            ],
            options={
                "verbose_name": "breach",
                "verbose_name_plural": "breaches",
                "ordering": ["-aware_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confidentiality", True),
                            ("integrity", True),
                            ("availability", True),
                            _connector="OR",
                        ),
                        name="retention_breach_is_of_something",
                        violation_error_message="Say what happened to the data: seen, changed, lost.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("began_at__isnull", True),
                            ("began_at__lte", models.F("aware_at")),
                            _connector="OR",
                        ),
                        name="retention_breach_known_after_it_began",
                        violation_error_message="We cannot know of it before it began.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("notified_at__isnull", True),
                            (
                                "notified_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("aware_at"),
                                    "+",
                                    models.Value(datetime.timedelta(days=3)),
                                ),
                            ),
                            models.Q(("late_because", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="retention_breach_late_with_reason",
                        violation_error_message="After 72 hours: say why it was late (art. 33 (1)).",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            models.Q(
                                models.Q(
                                    ("notified_at__isnull", False),
                                    models.Q(("not_notified_because", ""), _negated=True),
                                    _connector="OR",
                                ),
                                models.Q(
                                    ("people_told_at__isnull", False),
                                    models.Q(("people_untold", ""), _negated=True),
                                    _connector="OR",
                                ),
                                models.Q(("risk", "unknown"), _negated=True),
                                models.Q(("measures", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="retention_breach_closed_with_everything",
                        violation_error_message="Before it is closed: the risk, what was done, whether the authority was told and whether the people were, each with its reason if not.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            ("notified_at__isnull", False),
                            ("risk", "unlikely"),
                            _connector="OR",
                        ),
                        name="retention_breach_with_risk_is_notified",
                        violation_error_message="With a risk to people the authority has to be told.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            models.Q(("risk", "high"), _negated=True),
                            ("people_told_at__isnull", False),
                            ("people_untold__in", ["unreadable", "averted", "published"]),
                            _connector="OR",
                        ),
                        name="retention_breach_with_high_risk_is_told",
                        violation_error_message="With a high risk the people have to be told.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PrivacyRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=foundation.ids.UUIDv7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "reference",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="reference"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("access", "see what is kept about me (art. 15)"),
                            ("rectification", "correct what is wrong (art. 16)"),
                            ("erasure", "delete my data (art. 17)"),
                            ("restriction", "keep, but do not use my data (art. 18)"),
                            ("portability", "take my data along (art. 20)"),
                            ("objection", "object to a use of my data (art. 21)"),
                            ("other", "something else about my data"),
                        ],
                        max_length=13,
                        verbose_name="kind",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("page", "on the page"),
                            ("access_log", "on the page that shows who looked"),
                            ("question", "as a question to us"),
                            ("staff", "by letter, phone or email, entered by staff"),
                        ],
                        max_length=10,
                        verbose_name="how it came",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "to be answered"),
                            ("answered", "answered"),
                            ("refused", "refused"),
                            ("passed_on", "passed on to the owner of the list"),
                            ("withdrawn", "taken back, or gone with the account"),
                        ],
                        default="open",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                ("person_id", models.UUIDField(editable=False, null=True, verbose_name="customer")),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                (
                    "email",
                    models.EmailField(blank=True, max_length=254, verbose_name="email address"),
                ),
                ("text", models.TextField(verbose_name="what is asked for")),
                ("language", models.CharField(max_length=5)),
                ("legal_entity", models.CharField(blank=True, editable=False, max_length=8)),
                ("actor", models.CharField(max_length=60, verbose_name="entered by")),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("received_on", models.DateField(editable=False)),
                ("due_on", models.DateField(verbose_name="to be answered by")),
                ("extended_at", models.DateTimeField(null=True, verbose_name="extended")),
                (
                    "extended_because",
                    models.CharField(
                        blank=True, max_length=500, verbose_name="why it takes longer"
                    ),
                ),
                (
                    "identity_how",
                    models.CharField(blank=True, max_length=300, verbose_name="identity checked"),
                ),
                (
                    "identity_by",
                    models.CharField(blank=True, max_length=60, verbose_name="checked by"),
                ),
                ("identity_at", models.DateTimeField(null=True, verbose_name="checked at")),
                (
                    "list_owner",
                    models.CharField(
                        blank=True, max_length=150, verbose_name="whose list, as they say"
                    ),
                ),
                (
                    "passed_to",
                    models.UUIDField(editable=False, null=True, verbose_name="passed on to"),
                ),
                (
                    "deletion_reference",
                    models.UUIDField(editable=False, null=True, verbose_name="deletion"),
                ),
                ("access_event_id", models.UUIDField(editable=False, null=True)),
                ("answer", models.TextField(blank=True, verbose_name="answer")),
                (
                    "ground",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unidentified", "we cannot tell who is asking (art. 11 (2), 12 (2))"),
                            ("excessive", "manifestly unfounded or excessive (art. 12 (5))"),
                            ("others", "it would harm the rights of others (art. 15 (4), 20 (4))"),
                            ("law", "a law obliges us to keep it (art. 17 (3) (b))"),
                            ("claims", "it is needed for a legal claim (art. 17 (3) (e), 21 (1))"),
                            ("compelling", "our reasons outweigh yours (art. 21 (1))"),
                            ("correct", "what is kept is correct (art. 16)"),
                            ("not_ours", "we keep nothing of the kind"),
                        ],
                        max_length=12,
                        verbose_name="why refused",
                    ),
                ),
                (
                    "answered_by",
                    models.CharField(blank=True, max_length=60, verbose_name="answered by"),
                ),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                ("announced_at", models.DateTimeField(editable=False, null=True)),
                ("warned_at", models.DateTimeField(editable=False, null=True)),
                ("form", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "assigned_to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned to",
                    ),
                ),
            ],
            options={
                "verbose_name": "privacy request",
                "verbose_name_plural": "privacy requests",
                "ordering": ["due_on", "received_at"],
                "indexes": [
                    models.Index(fields=["person_id"], name="retention_request_of_person"),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["due_on"],
                        name="retention_request_waiting",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("access_event_id__isnull", False)),
                        fields=("access_event_id",),
                        name="retention_one_objection_a_look",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(
                                models.Q(("state", "open"), _negated=True),
                                ("closed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="retention_request_closed_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "answered"), _negated=True),
                            ("identity_at__isnull", False),
                            _connector="OR",
                        ),
                        name="retention_answered_to_whom_we_know",
                        violation_error_message="Record first how you made sure of who is asking.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "refused"), _negated=True),
                            models.Q(("ground", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="retention_refused_with_ground",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeclaredAccess",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=foundation.ids.UUIDv7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("database", "the database"),
                            ("host", "the machines"),
                            ("keys", "the keys"),
                            ("backups", "the backups"),
                            ("other", "something else"),
                        ],
                        max_length=8,
                        verbose_name="access to",
                    ),
                ),
                ("people", models.SmallIntegerField(verbose_name="how many people")),
                ("who_nb", models.CharField(max_length=150, verbose_name="who, in Norwegian")),
                ("who_en", models.CharField(max_length=150, verbose_name="who, in English")),
                ("why_nb", models.CharField(max_length=200, verbose_name="what for, in Norwegian")),
                ("why_en", models.CharField(max_length=200, verbose_name="what for, in English")),
                ("since", models.DateField(verbose_name="since")),
                ("until", models.DateField(blank=True, null=True, verbose_name="until")),
                ("confirmed_on", models.DateField(verbose_name="last looked at")),
                (
                    "processor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="retention.processor",
                        verbose_name="company",
                    ),
                ),
            ],
            options={
                "verbose_name": "declared access",
                "verbose_name_plural": "declared accesses",
                "ordering": ["what", "since"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("people__gte", 1)),
                        name="retention_access_of_somebody",
                        violation_error_message="At least one person.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__isnull", True),
                            ("until__gte", models.F("since")),
                            _connector="OR",
                        ),
                        name="retention_access_ends_after_start",
                        violation_error_message="It cannot end before it began.",
                    ),
                ],
            },
        ),
        migrations.RunSQL(REQUESTS, GONE),
        migrations.RunSQL(LOOKS, migrations.RunSQL.noop),
        migrations.RunSQL(BREACHES, migrations.RunSQL.noop),
        migrations.RunSQL(PUBLISHED, migrations.RunSQL.noop),
    ]
