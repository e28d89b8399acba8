"""What was decided about every staff page, action, column and field, and about every API route.

`test_matrix` takes the addresses from the URL map, the pages from `admin.site` and the roles from
`accounts.roles`, and holds them against what stands here. Whoever adds a page decides here who gets
it, and which of its fields are a customer's own: those stand behind the door only
(`accounts.admin.door`), and no list shows them unmasked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from accounts.models import PersonalToken
from accounts.roles import Role
from consent.models import ServiceKey

NOBODY = ""
ANY_STAFF: Final = " ".join([*Role.values, "no-role"])
# Who may open a customer with a reason.
OPENERS: Final = "support editor privacy billing auditor"
MAILINGS: Final = "editor approver auditor"
OFFICERS: Final = "privacy auditor"
MACHINES: Final = "auditor administrator"
QUESTIONS: Final = "support privacy billing auditor"
REFERENCES: Final = "support editor privacy auditor"
DELETIONS: Final = "support privacy auditor"
RUNS: Final = "privacy auditor administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """One model's pages: roles by what they may do, and every name that the pages show."""

    see: str
    change: str = NOBODY
    add: str = NOBODY
    delete: str = NOBODY
    # Behind the door: one object opens for a reason.
    door: bool = False
    # Further addresses: who gets the page, who may act by it.
    own: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    # Of the list; and who is offered them.
    actions: str = ""
    act: str = "administrator"
    columns: str
    fields: str
    # Of the fields, a customer's own data.
    personal: str = ""


PAGES: Final[Mapping[str, Pages]] = {
    "accounts.accessalarm": Pages(
        see=OFFICERS,
        own={"close": (NOBODY, "privacy")},
        columns="day staff number usual closed_at finding",
        fields="day staff number usual raised_at closed_by closed_at finding",
    ),
    "accounts.accessevent": Pages(
        see=OFFICERS,
        columns="its_at who its_role its_what its_basis its_reference why",
        fields="its_at who its_role its_what its_basis its_reference why",
    ),
    "accounts.staffaccount": Pages(
        see="administrator",
        own={"confirm": (NOBODY, "administrator"), "end": (NOBODY, "administrator")},
        columns="username full_name roles works_until second_factor in_force",
        fields="username full_name email roles works_until second_factor began",
    ),
    "accounts.staffinvitation": Pages(
        see="administrator",
        add="administrator",
        own={"withdraw": (NOBODY, "administrator")},
        columns="email its_roles invited_at expires_at state",
        fields="email its_roles invited_by invited_at expires_at state",
    ),
    "accounts.supportquestion": Pages(
        see=QUESTIONS,
        door=True,
        own={"act": (NOBODY, "support privacy billing")},
        columns="short state topic channel asked_at moved_at taken_by",
        fields="topic channel state asked_at taken_by number",
    ),
    "accounts.user": Pages(
        see=QUESTIONS,
        door=True,
        own={"access": (OPENERS, OPENERS), "opt_out": ("support privacy", "support privacy")},
        columns="masked_name masked_email is_confirmed is_deactivated signed_up_at",
        fields="username full_name email email_confirmed_at phone company country written_in "
        "timezone support_channel platform_id signed_up_at deactivated_at is_active id",
        personal="username full_name email phone company country",
    ),
    "consent.delivery": Pages(
        see=MACHINES,
        door=True,
        actions="send_again",
        columns="its_type webhook its_state its_answer its_attempts its_made_at",
        fields="webhook its_type its_state its_answer its_attempts its_made_at its_not_before "
        "its_finished_at what_is_told",
        personal="what_is_told",
    ),
    "consent.referenceuse": Pages(
        see=REFERENCES,
        # One that is planned is changed by its buttons alone.
        change=NOBODY,
        add="editor",
        door=True,
        own={"act": (NOBODY, "editor privacy")},
        columns="number activity place state customer since responsible",
        fields="customer topic activity place title url copies state its_planned_at published_at "
        "removed_at responsible",
        personal="title url",
    ),
    "consent.salescall": Pages(
        see="editor privacy auditor",
        add="editor",
        door=True,
        own={"made": (NOBODY, "editor")},
        columns="number customer answer asked_at answer_until made_at",
        fields="customer who with_whom about asked_at answer_until answer answered_at made_at",
        personal="who",
    ),
    "consent.servicekey": Pages(
        see=MACHINES,
        add="administrator",
        own={"revoke": (NOBODY, "administrator")},
        columns="name what_it_may is_in_use created_at last_used_on",
        fields="name scopes what_it_may created_at last_used_on revoked_at",
    ),
    "consent.suppression": Pages(
        see=OFFICERS,
        columns="its_reason its_since its_review_on its_key_id",
        fields="its_reason its_since its_review_on its_key_id",
    ),
    "consent.takedown": Pages(
        see=REFERENCES,
        door=True,
        own={"act": (NOBODY, "editor privacy")},
        columns="number activity place customer due_at owner closed_at",
        fields="activity place where opened_at due_at owner proof its_checked_at closed_at",
        personal="where",
    ),
    "consent.topic": Pages(
        see="editor approver privacy auditor",
        change="editor",
        add="editor",
        own={"retire": ("editor", "editor")},
        columns="name its_kind its_number its_wording_version is_live",
        fields="name_nb name_en description_nb description_en seen its_kind its_number its_slug "
        "its_wording_version its_created_at its_retired_at name description",
    ),
    "consent.webhook": Pages(
        see=MACHINES,
        change="administrator",
        add="administrator",
        delete="administrator",
        own={"step": (NOBODY, "administrator")},
        columns="name its_url its_state waiting dead",
        fields="name url events",
    ),
    "django_celery_beat.crontabschedule": Pages(
        see="administrator",
        change="administrator",
        add="administrator",
        delete="administrator",
        actions="delete_selected",
        columns="__str__ words",
        fields="words minute hour day_of_month month_of_year day_of_week timezone "
        "periodictask.args periodictask.kwargs periodictask.name periodictask.which",
    ),
    "django_celery_beat.intervalschedule": Pages(
        see="administrator",
        change="administrator",
        add="administrator",
        delete="administrator",
        actions="delete_selected",
        columns="__str__",
        fields="every period "
        "periodictask.args periodictask.kwargs periodictask.name periodictask.which",
    ),
    "django_celery_beat.periodictask": Pages(
        see=MACHINES,
        change="administrator",
        add="administrator",
        delete="administrator",
        actions="delete_selected enable_tasks disable_tasks toggle_tasks run_tasks",
        columns="name enabled scheduler interval start_time last_run_at one_off",
        fields="name regtask task enabled description interval crontab crontab_translation solar "
        "clocked start_time last_run_at one_off args kwargs expires expire_seconds queue exchange "
        "routing_key priority headers",
    ),
    "messaging.campaign": Pages(
        see=MAILINGS,
        change="editor",
        add="editor",
        delete="editor",
        own={
            "draft": (NOBODY, "editor"),
            "preview": (MAILINGS, MAILINGS),
            "preview_mail": (MAILINGS, MAILINGS),
            "progress": (MAILINGS, MAILINGS),
            "report": (MAILINGS, MAILINGS),
            "links": (NOBODY, "editor"),
            "step": (NOBODY, "editor"),
        },
        columns="running_number subject topic_name state send_at created",
        fields="topic segment subject_nb subject_en preheader_nb preheader_en body_nb body_en "
        "send_at in_customers_zone topic_name",
    ),
    "messaging.mailimage": Pages(
        see=MAILINGS,
        change="editor",
        add="editor",
        delete="editor",
        columns="small name measure its_uploaded_at",
        fields="large name paste measure its_uploaded_at used_in file",
    ),
    "messaging.message": Pages(
        see=DELETIONS,
        door=True,
        columns="its_queued_at its_kind its_purpose masked its_state why",
        fields="id its_kind its_purpose masked customer its_language its_state why its_attempts "
        "its_queued_at its_not_before its_handed_at its_finished_at",
        personal="customer",
    ),
    "messaging.providerevent": Pages(
        see=OFFICERS,
        door=True,
        columns="its_received_at its_kind its_outcome reason",
        fields="id its_kind its_outcome reason its_about its_status customer message its_provider "
        "its_happened_at its_received_at",
        personal="its_about customer",
    ),
    "messaging.segment": Pages(
        see=MAILINGS,
        change="editor",
        add="editor",
        delete="editor",
        own={"count": (NOBODY, "editor")},
        columns="name its_countries its_languages its_since its_created_at",
        fields="name countries languages since_from since_until "
        "its_countries its_languages its_since",
    ),
    "messaging.sendinglimit": Pages(
        see=MACHINES,
        change="administrator",
        add="administrator",
        delete="administrator",
        actions="delete_selected",
        columns="shown_domain per_minute burst",
        fields="domain per_minute burst",
    ),
    "messaging.serviceannouncement": Pages(
        see=MAILINGS,
        change="editor",
        add="editor",
        delete="editor",
        own={
            "send_standing": (NOBODY, "approver"),
            "review": (NOBODY, "approver"),
            "draft": (NOBODY, "editor approver"),
            "preview": (MAILINGS, MAILINGS),
            "preview_mail": (MAILINGS, MAILINGS),
            "progress": (MAILINGS, MAILINGS),
            "report": (MAILINGS, MAILINGS),
            "links": (NOBODY, "editor approver"),
            # Which step: approving is the approver's, the others are the editor's.
            "step": (NOBODY, "approver"),
        },
        columns="subject category state is_standing send_at created",
        fields="category is_standing subject_nb subject_en preheader_nb preheader_en body_nb "
        "body_en send_at",
    ),
    "messaging.suppressioncomparison": Pages(
        see=OFFICERS,
        columns="its_compared_at its_provider its_theirs its_added_here its_added_there "
        "its_removed_there its_failed its_error",
        fields="its_compared_at its_provider its_theirs its_same its_added_here its_added_there "
        "its_removed_there its_lifted_here its_not_added_there its_failed its_error listed",
    ),
    "retention.breach": Pages(
        see=OFFICERS,
        change="privacy",
        add="privacy",
        own={"close": (NOBODY, "privacy")},
        columns="title aware_at clock risk told closed_at",
        fields="title what_happened confidentiality integrity availability began_at aware_at "
        "legal_entity data_concerned people records consequences risk measures notified_at "
        "notified_as late_because not_notified_because people_told_at people_told_how "
        "people_untold",
    ),
    "retention.declaredaccess": Pages(
        see=OFFICERS,
        change="privacy",
        add="privacy",
        columns="what people who_en processor since until confirmed_on",
        fields="what people processor who_nb who_en why_nb why_en since until confirmed_on",
    ),
    "retention.deletionrequest": Pages(
        see=DELETIONS,
        door=True,
        own={"start": ("privacy", "privacy"), "check": ("privacy", "privacy")},
        columns="reference scope standing source requested_at due lateness",
        fields="reference scope since until standing source actor person_id requested_at begins_at "
        "due_on due_by_law finished_at checked_by checked_again_by check_note deleted still_kept "
        "deletionstep.blanked deletionstep.class_of_data deletionstep.finished_at "
        "deletionstep.removed",
        personal="person_id",
    ),
    "retention.legalhold": Pages(
        see=OFFICERS,
        add="privacy",
        own={"step": (NOBODY, "privacy")},
        columns="reference what standing review_on placed_at placed_by",
        fields="customer data_class since until what reason reference review_on standing",
    ),
    "retention.physicalitem": Pages(
        see=OFFICERS,
        change="privacy",
        add="privacy",
        own={
            "sign": ("privacy", "privacy"),
            "countersign": (NOBODY, "privacy"),
            "take_back": (NOBODY, "privacy"),
            "certificate": (OFFICERS, OFFICERS),
        },
        columns="name kind serial place due state",
        # `customer` is written, and shown again as a key; `whose` is masked.
        fields="name kind serial contains customer whose place kept_since due_on",
    ),
    "retention.privacyrequest": Pages(
        see=OFFICERS,
        door=True,
        own={
            "enter": ("support privacy", "support privacy"),
            "from_question": (NOBODY, "support privacy"),
            "step": (NOBODY, "privacy"),
        },
        columns="short kind state source received_on due_on assigned_to",
        fields="reference kind state source received_on due_on assigned_to",
    ),
    "retention.processor": Pages(
        see=OFFICERS,
        change="privacy",
        add="privacy",
        columns="name country task_en transfer can_read since until",
        fields="name country can_read task_nb task_en data_nb data_en transfer agreement_on since "
        "until confirmed_on",
    ),
    "retention.promisealert": Pages(
        see=RUNS,
        columns="promise turned turned_at told over_at",
        fields="promise turned turned_at told over_at what_to_do",
    ),
    "retention.retentionrun": Pages(
        see=RUNS,
        columns="rule started_at duration removed months cutoff actor refused",
        fields="rule actor cutoff removed partitions started_at duration longest_batch refused",
    ),
}

# Addresses that belong to no model's set, by whole name: who gets them, who may post to them.
OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    "admin:index": (ANY_STAFF, ANY_STAFF),
    "admin:login": (ANY_STAFF, ANY_STAFF),
    "admin:password_change": (ANY_STAFF, ANY_STAFF),
    "admin:password_change_done": (ANY_STAFF, NOBODY),
    "admin:jsi18n": (ANY_STAFF, NOBODY),
    # Figures about everybody, none about one.
    "admin:dashboards": (ANY_STAFF, NOBODY),
    # What to do when a promise turns; a page of documentation.
    "admin:promise_handbook": (ANY_STAFF, ANY_STAFF),
    # No model of ours has a page of its own, and nobody is completed in a field.
    "admin:view_on_site": (NOBODY, NOBODY),
    "admin:autocomplete": (NOBODY, NOBODY),
    # Asked for `accounts`.
    "admin:app_list": (f"{QUESTIONS} administrator",) * 2,
    "admin:retention_schedule": (RUNS, RUNS),
    "admin:retention_record_csv": (RUNS, RUNS),
    "admin:retention_record_pdf": (RUNS, RUNS),
}
# Ends the session of whoever visits it.
NOT_VISITED: Final = frozenset({"admin:logout"})
# Whoever may have it is told that there is nothing yet, or that the form was empty.
NOTHING_YET: Final = frozenset(
    {"admin:retention_physicalitem_certificate", "admin:retention_privacyrequest_from_question"}
)
# Readers get to the page with the button, and are refused in words; the row stays as it was.
REFUSED_IN_WORDS: Final = frozenset(
    {
        "admin:messaging_serviceannouncement_send_standing",
        "admin:messaging_serviceannouncement_review",
        "admin:messaging_serviceannouncement_step",
        "admin:retention_legalhold_step",
    }
)

# --- the API -------------------------------------------------------------------------------------

ANYONE: Final = "anyone"
# A signed-in person asks about themselves alone, staff or not.
SIGNED_IN: Final = "customer staff"
READ = f"token:{PersonalToken.Scope.READ.value}"
WRITE = f"token:{PersonalToken.Scope.WRITE.value}"
PLATFORM: Final = {"post": f"key:{ServiceKey.Scope.PLATFORM.value}"}

ROUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "api_schema": {"get": ANYONE},
    "api_docs": {"get": ANYONE},
    "api_nothing": {},
    "api_references": {"get": ANYONE},
    "api_preferences": {"get": f"{SIGNED_IN} {READ}"},
    "api_preference": {"get": f"{SIGNED_IN} {READ}", "put": f"{SIGNED_IN} {WRITE}"},
    "api_permission": {"post": f"key:{ServiceKey.Scope.PERMISSION.value}"},
    "api_opt_outs": {
        "get": f"key:{ServiceKey.Scope.OPT_OUTS.value}",
        "post": f"key:{ServiceKey.Scope.OPT_OUT.value}",
    },
    "api_platform_contact_lists": PLATFORM,
    "api_platform_contacts": PLATFORM,
    "api_platform_opt_outs": PLATFORM,
    "api_platform_message_records": PLATFORM,
    "api_platform_reports": PLATFORM,
    "api_platform_invoices": PLATFORM,
    "api_platform_transactions": PLATFORM,
}
