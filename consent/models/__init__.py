"""The tables of consent, told in five stories."""

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
from consent.models.reference import (
    CallLimit,
    ReferenceText,
    ReferenceUse,
    SalesCall,
    Takedown,
)
from consent.models.suppression import Suppression
from consent.models.systems import Delivery, ServiceKey, Webhook

__all__ = [
    "OWN_ACTS",
    "SHOW_WORDS",
    "WORDING_UNKNOWN",
    "CallLimit",
    "ConsentDetail",
    "Delivery",
    "Head",
    "Leaf",
    "LogKey",
    "Node",
    "Preference",
    "ReferenceText",
    "ReferenceUse",
    "SalesCall",
    "ServiceKey",
    "Source",
    "State",
    "Suppression",
    "Takedown",
    "Topic",
    "TopicWording",
    "Webhook",
]
