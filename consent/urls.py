"""Addresses of consent (design §4)."""

from django.urls import path

from consent.views.from_mail import confirm_choice, preferences_from_mail
from consent.views.gpc import gpc_explained
from consent.views.log import (
    head_json,
    heads_json,
    keys_json,
    leaves_json,
    proof_json,
    show_checkpoint,
    show_log,
)
from consent.views.preferences import preferences
from consent.views.receipt import consent_receipt
from consent.views.reference import (
    reference_call,
    reference_call_limit,
    reference_from_mail,
    reference_program,
    reference_use,
    reference_words,
)
from consent.views.unsubscribe import broken_unsubscribe, unsubscribe
from consent.views.verify import verify_receipt, verify_script

urlpatterns = [
    path("u/<str:token>/", unsubscribe, name="unsubscribe"),
    path("preferences/", preferences, name="preferences"),
    path("privacy/global-privacy-control/", gpc_explained, name="gpc_explained"),
    path("preferences/confirm/<str:token>/", confirm_choice, name="confirm_choice"),
    path("preferences/receipt/<uuid:event_id>/", consent_receipt, name="consent_receipt"),
    path("reference-program/", reference_program, name="reference_program"),
    path("reference-program/words/<uuid:text_id>/", reference_words, name="reference_words"),
    path("reference-program/uses/<uuid:use_id>/", reference_use, name="reference_use"),
    path("reference-program/calls/", reference_call_limit, name="reference_call_limit"),
    path("reference-program/calls/<uuid:call_id>/", reference_call, name="reference_call"),
    path("p/<str:token>/reference-program/", reference_from_mail, name="reference_from_mail"),
    path("trust/log/", show_log, name="log"),
    path("trust/log/checkpoint", show_checkpoint, name="log_checkpoint"),
    path("trust/log/head.json", head_json, name="log_head"),
    path("trust/log/heads.json", heads_json, name="log_heads"),
    path("trust/log/keys.json", keys_json, name="log_keys"),
    path("trust/log/proof.json", proof_json, name="log_proof"),
    path("trust/log/leaves.json", leaves_json, name="log_leaves"),
    path("trust/verify/", verify_receipt, name="verify_receipt"),
    path("trust/verify/verify_receipt.py", verify_script, name="verify_script"),
    path("p/<str:token>/", preferences_from_mail, name="preferences_from_mail"),
    # A POST must not be redirected (RFC 8058), so the slash may be missing.
    path("u/<str:token>", unsubscribe, name="unsubscribe_bare"),
    path("u/<path:rest>", broken_unsubscribe, name="unsubscribe_broken"),
]
