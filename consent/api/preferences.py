"""`/api/v1/preferences`: a person's own choices, to read and to change.

Signed in, a yes is the person's own act. With a token it is not, for tokens stand in scripts and
apps: it is asked for by mail, as a yes from a mail's link is, and a constraint of the database
refuses anything else.
"""

from typing import Any, ClassVar

from allauth.core import ratelimit
from django.http import Http404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import PersonalToken, User
from consent import services
from consent.api import examples
from consent.api.authentication import PersonalTokenAuthentication, SignedInAuthentication
from consent.api.base import ApiView
from consent.api.decisions import topics_in_force
from consent.api.errors import Conflict, Standstill
from consent.api.schema import RETRY_AFTER
from consent.api.serializers import (
    NOT_ASKED,
    ChoiceSerializer,
    ConfirmationSerializer,
    ErrorSerializer,
    PauseSerializer,
    PreferenceSerializer,
    PreferencesSerializer,
)
from consent.models import Preference, Source, State, Topic
from consent.services import NOTHING_SHOWN, Shown
from foundation import standstill

CHANGE = PolymorphicProxySerializer(
    component_name="PreferenceChange",
    serializers=[ChoiceSerializer, PauseSerializer],
    resource_type_field_name=None,
)


class OwnPreferences(ApiView):
    authentication_classes = [PersonalTokenAuthentication, SignedInAuthentication]
    scopes: ClassVar[dict[str, str]] = {
        "GET": PersonalToken.Scope.READ.value,
        "PUT": PersonalToken.Scope.WRITE.value,
    }
    closed_in_standstill = ("GET", "HEAD")
    as_pages = True

    def person(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user

    def rows(self) -> list[dict[str, Any]]:
        """Every live topic with what the person chose, in the order of the preference centre."""
        now, person = timezone.now(), self.person()
        chosen = services.current_preferences(person.pk)
        in_force = topics_in_force(person.pk, now=now)
        rows = []
        for topic in Topic.objects.live().with_wording():
            choice: Preference | None = chosen.get(topic.pk)
            until = choice.paused_until if choice else None
            rows.append(
                {
                    "slug": topic.slug,
                    "kind": topic.kind,
                    "name": topic.name,
                    "description": topic.description,
                    "state": choice.state if choice else NOT_ASKED,
                    "since": choice.since if choice else None,
                    "source": choice.source if choice else None,
                    "paused_until": until if until and until > now else None,
                    "may_receive": topic.pk in in_force,
                }
            )
        return rows

    def row(self, slug: str) -> dict[str, Any]:
        """Of a topic retired since it was looked up there is none."""
        row = next((row for row in self.rows() if row["slug"] == slug), None)
        if row is None:
            raise Http404
        return row


class PreferenceList(OwnPreferences):
    @extend_schema(
        operation_id="list_preferences",
        summary="Every topic and what you chose",
        description="Scope `preferences:read`.",
        tags=["Your choices"],
        parameters=[RETRY_AFTER],
        responses=PreferencesSerializer,
        examples=examples.LIST,
    )
    def get(self, request: Request) -> Response:
        return Response({"preferences": self.rows()})


class PreferenceDetail(OwnPreferences):
    def topic(self, slug: str) -> Topic:
        topic: Topic | None = Topic.objects.live().with_wording().filter(slug=slug).first()
        if topic is None:
            raise Http404
        return topic

    @extend_schema(
        operation_id="read_preference",
        summary="What you chose on one topic",
        description="Scope `preferences:read`.",
        tags=["Your choices"],
        parameters=[examples.SLUG, RETRY_AFTER],
        responses=PreferenceSerializer,
        examples=examples.READ,
    )
    def get(self, request: Request, slug: str) -> Response:
        self.topic(slug)
        return Response(self.row(slug))

    @extend_schema(
        operation_id="change_preference",
        summary="Say yes or no to one topic, or pause it",
        description=(
            "Scope `preferences:write`. A no and a pause count at once. A yes said while signed "
            "in counts at once, too; **with a token a yes does not count yet**: the answer is "
            "202, we send a mail, and the link in it says yes. Ending a pause needs a sign-in. "
            "Only a yes can be paused. Saying the same again changes nothing."
        ),
        tags=["Your choices"],
        parameters=[examples.SLUG, RETRY_AFTER],
        request=CHANGE,
        responses={
            200: PreferenceSerializer,
            202: ConfirmationSerializer,
            409: OpenApiResponse(ErrorSerializer, description="There is no yes to pause."),
            503: OpenApiResponse(ErrorSerializer, description="Only a no is taken right now."),
        },
        examples=examples.CHANGE,
    )
    def put(self, request: Request, slug: str) -> Response:
        change = parse_change(request.data)
        topic = self.topic(slug)
        if change == {"choice": "no"}:
            self.say_no(topic)
        else:
            # A no is taken all the while, as at `/u/`.
            if standstill.why(pages=True):
                raise Standstill
            if "pause_months" in change:
                self.pause(topic, change["pause_months"])
            elif not self.say_yes(topic):
                body = {**self.row(slug), "confirmation": "sent"}
                return Response(body, status=status.HTTP_202_ACCEPTED)
        return Response(self.row(slug))

    @property
    def by_token(self) -> bool:
        return self.request.auth is not None

    @property
    def act(self) -> dict[str, Any]:
        """How, when and what they saw, for the event. What an app showed them we do not know."""
        if self.by_token:
            return {"source": Source.APP, "now": timezone.now(), "shown": NOTHING_SHOWN}
        return {
            "source": Source.API_SIGNED_IN,
            "now": timezone.now(),
            "shown": Shown(language=get_language() or ""),
        }

    def say_no(self, topic: Topic) -> None:
        act = self.act
        services.record_opt_out(self.person().pk, [topic.pk], **act, received_at=act["now"])

    def say_yes(self, topic: Topic) -> bool:
        """Whether a yes stands now; otherwise its owner has been asked by mail."""
        if not self.by_token:
            services.record_choices(self.person().pk, {topic.pk: True}, **self.act)
            return True
        if self.standing(topic) == State.GRANTED:
            return True
        # The same few an hour as from the page behind a mail's link.
        key = str(self.person().pk)
        if not ratelimit.consume(self.request._request, action="confirm_yes", key=key):
            raise Throttled(wait=3600)
        services.ask_to_confirm_yes(self.person().pk, topic, now=timezone.now())
        return False

    def pause(self, topic: Topic, months: int | None) -> None:
        if self.standing(topic) != State.GRANTED:
            raise Conflict(_("Only a yes can be paused."), code="no_yes_to_pause")
        if months is None and self.by_token:
            raise PermissionDenied(_("Sign in to end a pause."), code="own_act_needed")
        services.record_pause(self.person().pk, [topic.pk], months=months, **self.act)

    def standing(self, topic: Topic) -> str | None:
        choice = services.current_preferences(self.person().pk).get(topic.pk)
        return choice.state if choice else None


def parse_change(body: Any) -> dict[str, Any]:
    """Either a choice or a pause; the first key says which is meant."""
    if isinstance(body, dict) and {"choice", "pause_months"} <= body.keys():
        raise ValidationError(_("Send either choice or pause_months."))
    pauses = isinstance(body, dict) and "pause_months" in body
    serializer = (PauseSerializer if pauses else ChoiceSerializer)(data=body)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
