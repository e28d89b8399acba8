"""`/trust/verify/`: anybody checks a receipt in their own browser; nothing is uploaded."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from consent.proof.verifying import Step

SCRIPT = Path(settings.BASE_DIR) / "docs" / "verify_receipt.py"


@dataclass(frozen=True, slots=True)
class Shown:
    """One step as the page tells it: what is checked, and why it matters."""

    step: Step
    title: Promise | str
    meaning: Promise | str


STEPS = (
    Shown(Step.JSON, _("The file can be read"), _("It is a text file in the format JSON.")),
    Shown(
        Step.WRITING,
        _("It is written as we write it"),
        _("Byte for byte, so that no change can hide in blanks or spellings."),
    ),
    Shown(
        Step.FIELDS,
        _("Nothing is missing"),
        _("All fields of such a receipt are there, and no others."),
    ),
    Shown(
        Step.KEY,
        _("The keys are ours"),
        _("The keys it names are among the keys of our log, which we publish."),
    ),
    Shown(
        Step.RECEIPT_SIGNATURE,
        _("We signed it"),
        _("The signature over the whole receipt belongs to this content."),
    ),
    Shown(
        Step.LEAF,
        _("The event has the fingerprint in the log"),
        _("The choice or look and its random number, hashed, give the entry in the log."),
    ),
    Shown(
        Step.PATH,
        _("The log holds that entry"),
        _("The entry and its neighbours, hashed together, give the root of the log."),
    ),
    Shown(
        Step.HEAD_SIGNATURE,
        _("We signed that state of the log"),
        _("The root was published and signed, so we cannot change the entry unnoticed."),
    ),
    Shown(
        Step.READABLE,
        _("The words say what the entry says"),
        _("What you read in the receipt is what the hashed entry holds."),
    ),
)


@require_safe
def verify_receipt(request: HttpRequest) -> HttpResponse:
    response = render(request, "consent/verify.html", {"steps": STEPS})
    # The bar shows a signed-in reader another face.
    if get_user(request).is_authenticated:
        patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


@require_safe
def verify_script(request: HttpRequest) -> HttpResponse:
    """The stand-alone script, so that whoever distrusts the page can read what they run."""
    return HttpResponse(
        SCRIPT.read_bytes(),
        content_type="text/x-python; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="verify_receipt.py"'},
    )
