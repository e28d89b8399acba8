"""The tables of consent, told in four stories."""

from consent.models.choices import (
    OWN_ACTS,
    SHOW_WORDS,
    WORDING_UNKNOWN,
    ConsentDetail,
    Preference,
    Source,
    State,
    Topic,
    TopicWording,
)
from consent.models.log import Head, Leaf, LogKey, Node
from consent.models.suppression import Suppression
from consent.models.systems import Delivery, ServiceKey, Webhook

__all__ = [
    "OWN_ACTS",
    "SHOW_WORDS",
    "WORDING_UNKNOWN",
    "ConsentDetail",
    "Delivery",
    "Head",
    "Leaf",
    "LogKey",
    "Node",
    "Preference",
    "ServiceKey",
    "Source",
    "State",
    "Suppression",
    "Topic",
    "TopicWording",
    "Webhook",
]
