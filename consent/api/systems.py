"""For our other systems: may these be written to, what has changed, and somebody said no."""

import json
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from consent import services, suppression
from consent.api import examples
from consent.api.authentication import ServiceKeyAuthentication
from consent.api.base import ApiView
from consent.api.decisions import ADDRESSES_AT_MOST, Why, permissions
from consent.api.errors import Conflict
from consent.api.feed import BeyondTheLogError, changes_after
from consent.api.schema import RETRY_AFTER
from consent.api.serializers import (
    REASON_LENGTH,
    AfterSerializer,
    AnswersSerializer,
    ChangesSerializer,
    ErrorSerializer,
    EverythingOptOutSerializer,
    QuestionSerializer,
    ReceivedSerializer,
    TopicOptOutSerializer,
)
from consent.models import ServiceKey, Source, Suppression, Topic
from foundation.redaction import without_ips

NO_TOPIC = OpenApiResponse(ErrorSerializer, description="There is no topic of this name.")
OPT_OUT = PolymorphicProxySerializer(
    component_name="OptOut",
    serializers=[TopicOptOutSerializer, EverythingOptOutSerializer],
    resource_type_field_name=None,
)


def topic_named(slug: str) -> Topic:
    """A retired one too: that it is retired is an answer."""
    topic: Topic | None = Topic.objects.filter(slug=slug).first()
    if topic is None:
        raise Http404
    return topic


class Permission(ApiView):
    authentication_classes = [ServiceKeyAuthentication]
    scopes: ClassVar[dict[str, str]] = {"POST": ServiceKey.Scope.PERMISSION.value}
    closed_in_standstill = ("POST",)

    @extend_schema(
        operation_id="ask_permission",
        summary="May these addresses be written to about a topic",
        description=(
            f"Scope `permission`. Up to {ADDRESSES_AT_MOST:,} addresses in one call; the answers "
            "come in the order asked and hold for this moment: ask right before you send. "
            "`not_asked` also stands for addresses that nobody here has."
        ),
        tags=["Other systems"],
        parameters=[RETRY_AFTER],
        request=QuestionSerializer,
        responses={200: AnswersSerializer, 404: NO_TOPIC},
        examples=examples.PERMISSION,
    )
    def post(self, request: Request) -> HttpResponse:
        slug, addresses = parse_question(request.data)
        answers = permissions(addresses, slug, now=timezone.now())
        if answers is None:
            raise Http404
        may = Why.MAY.value
        body = [{"address": each, "may": why == may, "why": why} for each, why in answers]
        # ASCII, so that half a surrogate in a malformed address goes back as it came.
        return HttpResponse(json.dumps({"answers": body}), content_type="application/json")


def parse_question(body: Any) -> tuple[str, list[str]]:
    """By hand: a thousand fields of a serializer would cost more than the answer."""
    if not isinstance(body, dict):
        raise ValidationError(_("Send an object."))
    slug, addresses = body.get("topic"), body.get("addresses")
    wrong: dict[str, ErrorDetail] = {}
    if not isinstance(slug, str) or not slug.isascii() or not slug.isprintable():
        wrong["topic"] = ErrorDetail(_("Name a topic."), code="invalid")
    if not isinstance(addresses, list) or not all(type(each) is str for each in addresses):
        wrong["addresses"] = ErrorDetail(_("Send a list of addresses."), code="invalid")
    elif len(addresses) > ADDRESSES_AT_MOST:
        text = _("These are %(count)d addresses; ask for %(most)d at most.")
        wrong["addresses"] = ErrorDetail(
            text % {"count": len(addresses), "most": ADDRESSES_AT_MOST}, code="max_length"
        )
    if wrong:
        raise ValidationError(wrong)
    return slug, addresses  # type: ignore[return-value]


class OptOuts(ApiView):
    authentication_classes = [ServiceKeyAuthentication]
    scopes: ClassVar[dict[str, str]] = {
        "GET": ServiceKey.Scope.OPT_OUTS.value,
        "POST": ServiceKey.Scope.OPT_OUT.value,
    }
    closed_in_standstill = ("GET", "HEAD")

    @extend_schema(
        operation_id="list_changes",
        summary="What has changed since a place in the log",
        description=(
            "Scope `opt_outs`. Every change of a choice in the order of the public log, opt-ins "
            "too. Keep `next` and pass it as `after`: nothing is missed, also not what is "
            "committed late, and nothing comes twice. Changes of people who were erased are left "
            "out; `next` passes them. New changes appear within seconds, once they are sealed."
        ),
        tags=["Other systems"],
        parameters=[AfterSerializer, RETRY_AFTER],
        responses={
            200: ChangesSerializer,
            409: OpenApiResponse(
                ErrorSerializer,
                description="`after` lies beyond the log: begin again without it.",
            ),
        },
        examples=examples.CHANGES,
    )
    def get(self, request: Request) -> Response:
        asked = AfterSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        try:
            page = changes_after(asked.validated_data["after"], limit=asked.validated_data["limit"])
        except BeyondTheLogError as error:
            raise Conflict(
                _("The log does not reach this index. Begin again from the start."),
                code="beyond_the_log",
            ) from error
        return Response({"changes": page.changes, "next": page.next, "more": page.more})

    @extend_schema(
        operation_id="record_opt_out",
        summary="Somebody said no to you",
        description=(
            "Scope `opt_out`. Say what they no longer want: one topic, or all optional mail, "
            "which takes them out of the reference program too. It counts once this answers, and "
            "the answer is the same whether we know the address or not. Where nobody has "
            "confirmed it, a no to a topic of mail bars the address from all optional mail until "
            "its owner has. IP addresses are cut out of `reason`. There is no such call for a yes."
        ),
        tags=["Other systems"],
        parameters=[RETRY_AFTER],
        request=OPT_OUT,
        responses={202: ReceivedSerializer, 404: NO_TOPIC},
        examples=examples.OPT_OUT,
    )
    def post(self, request: Request) -> Response:
        received_at = timezone.now()
        body = request.data
        everything = isinstance(body, dict) and "all" in body
        serializer_class = EverythingOptOutSerializer if everything else TopicOptOutSerializer
        serializer = serializer_class(data=body)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        mail = services.optional_topics()
        named = mail if everything else [topic_named(asked["topic"]).pk]
        person = User.objects.with_address(asked["address"]).first()
        if person is not None:
            services.record_opt_out(
                person.pk,
                services.everything_optional(person.pk) if everything else named,
                source=Source.API,
                actor=f"key:{request.auth.pk}",
                now=timezone.now(),
                reason=without_ips(asked["reason"])[:REASON_LENGTH],
                received_at=received_at,
            )
        # Else the no would be lost on whoever is imported or unconfirmed, or goes with the latter.
        if (person is None or person.email_confirmed_at is None) and set(named) & set(mail):
            suppression.suppress(
                asked["address"], reason=Suppression.Reason.COMPLAINT, now=received_at
            )
        return Response({"received": True}, status=status.HTTP_202_ACCEPTED)
