"""What the privacy officer's desk does; pages, admin and tasks call what stands here."""

from retention.desk.requests import (
    AnswerRefused,
    answer_request,
    check_identity,
    day_of,
    extend_request,
    name_list_owner,
    open_from_question,
    open_request,
    pass_on,
    refuse_request,
    start_deletion,
    take_back_request,
    take_request,
)

__all__ = [
    "AnswerRefused",
    "answer_request",
    "check_identity",
    "day_of",
    "extend_request",
    "name_list_owner",
    "open_from_question",
    "open_request",
    "pass_on",
    "refuse_request",
    "start_deletion",
    "take_back_request",
    "take_request",
]
