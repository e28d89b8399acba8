"""Periods of billing records by the company of ours that the customer has a contract with."""

from collections.abc import Mapping

from django.conf import settings

from retention.entries import Rule
from retention.policy import Period


def entity_periods(rule: Rule) -> Mapping[str, Period]:
    """By company, where its law says other than the rule; none for a rule that knows no company."""
    periods: Mapping[str, Period] = settings.LEGAL_ENTITIES
    return periods if rule.entity else {}


def period_for(rule: Rule, legal_entity: str) -> Period:
    """The period of one row; a company without a setting has the rule's own."""
    return entity_periods(rule).get(legal_entity, rule.period)
