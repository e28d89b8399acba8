"""What monitors ask."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clicksend_portal.health import failing_checks


@require_safe
@never_cache
def show_liveness(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"failing": []})


@require_safe
@never_cache
def show_readiness(request: HttpRequest) -> JsonResponse:
    """The portal can do its work; otherwise the names of what keeps it from it."""
    failing = failing_checks(timezone.now())
    return JsonResponse({"failing": failing}, status=503 if failing else 200)
