"""Every address of the portal, found in the URL map, with arguments that lead somewhere.

`KINDS` says for whom each address is. A new address that is not named here fails
`test_every_address_is_classified` by its name.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern
from django.utils.regex_helper import normalize

from tests.architecture.world import World

PUBLIC = """
home privacy privacy_request privacy_request_sent gpc_explained retention_schedule contact
contact_sent trust promise set_language healthz readyz
robots security_txt gpc well_known_change_password
account_signup signup_done account_login account_logout account_inactive
account_email_verification_sent account_reset_password account_reset_password_done
account_reset_password_from_key_done account_confirm_login_code mfa_authenticate
api_schema api_docs
verify_receipt verify_script
references
log log_checkpoint log_head log_heads log_keys log_proof log_leaves
mfa_login_webauthn admin:login admin:logout admin:jsi18n
mail_image
"""

# The link itself is the authority; it comes by mail.
LINK = """
welcome staff_invitation preferences_from_mail unsubscribe unsubscribe_bare unsubscribe_broken
confirm_choice
account_confirm_email
account_reset_password_from_key deletion_status deletion_receipt deletion_receipt_pdf
address_confirm_link deletion_withdraw deletion_confirm
reference_from_mail
contact_thread
"""

CUSTOMER = """
privacy_requests privacy_request_take_back
consent_receipt
data_access access_objection access_receipt
deletion_take_back deidentify_start messages_deletion list_deletion profile_deletion
preferences data_overview data_export export_download deletion_start
account_profile account_sessions
account_tokens account_token_revoke account_deactivate account_reactivate account_email
account_support account_support_thread
account_change_password account_set_password
account_reauthenticate mfa_index mfa_reauthenticate mfa_activate_totp mfa_deactivate_totp
mfa_view_recovery_codes mfa_generate_recovery_codes mfa_download_recovery_codes mfa_list_webauthn
mfa_add_webauthn mfa_reauthenticate_webauthn mfa_remove_webauthn mfa_edit_webauthn
address_confirm_again
reference_program reference_words reference_use reference_call reference_call_limit
lists list list_export list_delete list_contact_remove list_opt_outs list_opt_out_remove
list_upload list_upload_status list_upload_discard list_upload_untaken list_upload_problems
messages messages_export messages_delete reports report report_delete
"""

# Other systems call these with a secret of their own; without a mail provider they do not exist.
HOOK = """
provider_hook inbound_hook
"""

# Answers in JSON, a stranger with 401 (tests/api).
API = """
api_references
api_preferences api_preference api_permission api_opt_outs api_nothing
api_platform_contact_lists api_platform_contacts api_platform_opt_outs
api_platform_message_records api_platform_reports api_platform_invoices api_platform_transactions
"""

KINDS = {
    **dict.fromkeys(API.split(), "api"),
    **dict.fromkeys(PUBLIC.split(), "public"),
    **dict.fromkeys(LINK.split(), "link"),
    **dict.fromkeys(CUSTOMER.split(), "customer"),
    **dict.fromkeys(HOOK.split(), "hook"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """One entry of the URL map: its name with its namespace, its route, the names of its blanks."""

    name: str
    route: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def kind(self) -> str:
        """For whom it is; the staff site is for staff as a whole. Empty when nobody said."""
        if self.name in KINDS:
            return KINDS[self.name]
        return "staff" if self.name.startswith("admin:") else ""

    def path(self, world: World) -> str:
        """The path with its blanks filled from the world."""
        arguments = arguments_for(self, world)
        return "/" + "".join(
            form % {name: arguments[name] for name in names} for form, names in self.parts
        )


def addresses(
    resolver: URLResolver | None = None,
    prefix: tuple[tuple[str, tuple[str, ...]], ...] = (),
    namespace: str = "",
) -> Iterator[Address]:
    for pattern in (resolver or get_resolver()).url_patterns:
        parts = (*prefix, *([blanks(pattern)] if str(pattern.pattern) else []))
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from addresses(pattern, parts, inner)
        else:
            route = "".join(form for form, _names in parts)
            yield Address(f"{namespace}{pattern.name or ''}", route, parts)


def blanks(pattern: URLPattern | URLResolver) -> tuple[str, tuple[str, ...]]:
    """`p/<str:token>/` as `p/%(token)s/` with the name `token`; regular expressions alike."""
    if isinstance(pattern.pattern, RegexPattern):
        form, names = normalize(pattern.pattern.regex.pattern)[0]
        return form, tuple(names)
    route = str(pattern.pattern)
    names = re.findall(r"<(?:\w+:)?(\w+)>", route)
    return re.sub(r"<(?:\w+:)?(\w+)>", r"%(\1)s", route.replace("%", "%%")), tuple(names)


def arguments_for(address: Address, world: World) -> Mapping[str, Any]:
    """What fills the blanks: by the address's name, on the staff site by its model."""
    wanted = {name for _form, names in address.parts for name in names}
    known = dict(world.arguments.get(address.name, {}))
    if "admin" in address.name.partition(":")[0] or address.route.startswith("admin/"):
        known = {**staff_arguments(address), **known}
    if missing := wanted - known.keys():
        raise AssertionError(
            f"{address.name or address.route}: tests/architecture/world.py has no value for "
            f"{', '.join(sorted(missing))}"
        )
    return known


def staff_arguments(address: Address) -> dict[str, Any]:
    """An object of the model that the page is about; one that does not exist when there is none."""
    match = re.match(r"admin/(\w+)/(\w+)/", address.route)
    pk: Any = uuid.uuid4()
    if match and match[1] in apps.app_configs:
        model = apps.get_model(match[1], match[2])
        pk = model._default_manager.values_list("pk", flat=True).order_by("pk").first() or pk
    return {
        "object_id": pk,
        "pk": pk,
        "person_id": pk,
        "content_type_id": 1,
        "app_label": "accounts",
        "url": "no/such/page",
        "step": "approve",
    }
