"""What goes in and out, for checking what comes and for the schema of both."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from consent.api.decisions import ADDRESS_PATTERN, ADDRESSES_AT_MOST, Why
from consent.api.feed import CHANGES_AT_MOST, FROM_THE_START
from consent.models import Source, State, Topic
from consent.policy import PAUSE_MONTHS

# A bigint of PostgreSQL.
HIGHEST_INDEX = 2**63 - 1
NOT_ASKED = "not_asked"
PREFERENCE_STATES = [*State.values, NOT_ASKED]
TOPIC_KINDS = Topic.Kind.values
REASON_LENGTH = 200


class Strict(serializers.Serializer[Any]):
    """A field that is not known is refused: a typing error must not pass for a choice."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(map(str, data.keys() - self.fields))):
            raise serializers.ValidationError(
                dict.fromkeys(unknown[:10], self.error_messages["unknown"]), code="unknown"
            )
        return super().to_internal_value(data)

    default_error_messages: ClassVar[Any] = {"unknown": _("There is no such field.")}


# --- errors --------------------------------------------------------------------------------------


class ErrorDetailSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs; does not change with the language.")
    detail = serializers.CharField(help_text="For people, in the language asked for.")
    attr = serializers.CharField(allow_null=True, help_text="The field that is meant, if one is.")


class ErrorSerializer(serializers.Serializer[Any]):
    """The one form of every error."""

    type = serializers.ChoiceField(["validation_error", "client_error", "server_error"])
    errors = ErrorDetailSerializer(many=True)  # type: ignore[assignment]  # its name in the answer


# --- own preferences -----------------------------------------------------------------------------


class PreferenceSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField(help_text="Names the topic in this API.")
    kind = serializers.ChoiceField(TOPIC_KINDS)
    name = serializers.CharField(help_text="In the language asked for.")
    description = serializers.CharField(help_text="In the language asked for.")
    state = serializers.ChoiceField(PREFERENCE_STATES)
    since = serializers.DateTimeField(allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # its name in the answer
        Source.values, allow_null=True
    )
    paused_until = serializers.DateTimeField(allow_null=True)
    may_receive = serializers.BooleanField(
        help_text="Whether this choice has effect at this moment: yes, not paused, address "
        "confirmed, account active, address not suppressed."
    )


class PreferencesSerializer(serializers.Serializer[Any]):
    preferences = PreferenceSerializer(many=True)


class ReferenceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    activity = serializers.CharField(
        help_text="`name`, `logo`, `quote`, `success_story`, `case_study` or `roi_case_study`."
    )
    activity_name = serializers.CharField(help_text="In the language asked for.")
    title = serializers.CharField()
    text = serializers.CharField(help_text="Approved by the customer; empty for a name or a logo.")
    language = serializers.CharField(help_text="In which `text` is written, or empty.")
    since = serializers.DateTimeField()


class ReferencesSerializer(serializers.Serializer[Any]):
    references = ReferenceSerializer(many=True)


class ConfirmationSerializer(PreferenceSerializer):
    """The choice as it still stands, and that its owner has been asked by mail."""

    confirmation = serializers.ChoiceField(["sent"])


class ChoiceSerializer(Strict):
    choice = serializers.ChoiceField(["yes", "no"])


class PauseSerializer(Strict):
    pause_months = serializers.ChoiceField(
        PAUSE_MONTHS, allow_null=True, help_text="null ends the pause."
    )

    def validate_pause_months(self, value: Any) -> int | None:
        return exact_months(self.initial_data.get("pause_months"))


def exact_months(value: Any) -> int | None:
    """DRF takes "1" and true for 1."""
    if value is not None and (type(value) is not int or value not in PAUSE_MONTHS):
        raise serializers.ValidationError(_("Choose 1, 3, 6 or null."), code="invalid_choice")
    return value


# --- other systems -------------------------------------------------------------------------------


class QuestionSerializer(serializers.Serializer[Any]):
    """For the schema; the view checks by hand, a thousand addresses being many fields."""

    topic = serializers.SlugField()
    addresses = serializers.ListField(
        child=serializers.CharField(allow_blank=True), max_length=ADDRESSES_AT_MOST
    )


class AnswerSerializer(serializers.Serializer[Any]):
    address = serializers.CharField(allow_blank=True, help_text="As it was asked.")
    may = serializers.BooleanField()
    why = serializers.ChoiceField([each.value for each in Why])


class AnswersSerializer(serializers.Serializer[Any]):
    answers = AnswerSerializer(many=True, help_text="In the order asked.")


class AfterSerializer(Strict):
    after = serializers.IntegerField(
        min_value=FROM_THE_START, max_value=HIGHEST_INDEX, default=FROM_THE_START
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=CHANGES_AT_MOST, default=CHANGES_AT_MOST
    )


class ChangeSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(min_value=0, help_text="Place in the public log.")
    customer = serializers.UUIDField()
    customer_number = serializers.IntegerField(allow_null=True)
    topic = serializers.SlugField()
    state = serializers.ChoiceField(State.values)
    paused_until = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()
    source = serializers.ChoiceField(Source.values)  # type: ignore[assignment]  # its name, too


class ChangesSerializer(serializers.Serializer[Any]):
    changes = ChangeSerializer(many=True)
    next = serializers.IntegerField(
        min_value=FROM_THE_START,
        help_text="Pass it as `after` to go on, also when `changes` is empty.",
    )
    more = serializers.BooleanField(help_text="Whether there is more to be had at once.")


@extend_schema_field({"type": "boolean", "enum": [True]})
class TrueField(serializers.BooleanField):
    """Present, it can only be true."""

    def to_internal_value(self, data: Any) -> bool:
        if data is not True:
            self.fail("invalid", input=data)
        return True


class Text(serializers.CharField):
    """DRF takes a number for its digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Name(Text, serializers.SlugField):
    """Of a topic."""


class Address(Text, serializers.RegexField):
    """In any spelling."""


class OptOutSerializer(Strict):
    address = Address(f"^{ADDRESS_PATTERN}$", max_length=254, trim_whitespace=False)
    reason = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=REASON_LENGTH,
        help_text="How and where the person said it. The customer can read it.",
    )


class TopicOptOutSerializer(OptOutSerializer):
    topic = Name()


class EverythingOptOutSerializer(OptOutSerializer):
    all = TrueField(help_text="Every topic of optional mail.")


class ReceivedSerializer(serializers.Serializer[Any]):
    received = serializers.BooleanField()
