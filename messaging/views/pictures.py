"""What mail programs fetch: the pictures of our mails."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from messaging.images import EXTENSIONS
from messaging.models import MailImage

A_YEAR = 31_536_000


@require_safe
def show_picture(request: HttpRequest, digest: str, extension: str) -> HttpResponse:
    """One address for every reader, and nothing is noted of who asked (`pages-not-people`).

    The address names the bytes themselves, so what was fetched once is good for ever.
    """
    found = MailImage.objects.filter(digest=digest).values_list("content_type", "data").first()
    if found is None or EXTENSIONS.get(found[0]) != extension:
        raise Http404
    content_type, data = found
    response = HttpResponse(bytes(data), content_type=content_type)
    response["ETag"] = f'"{digest}"'
    # Web mail draws it inside pages of its own.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Content-Disposition"] = "inline"
    patch_cache_control(response, public=True, max_age=A_YEAR, immutable=True)
    answer = get_conditional_response(request, etag=response["ETag"], response=response)
    assert isinstance(answer, HttpResponse)
    return answer
