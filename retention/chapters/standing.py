"""Sentences that several entries of the schedule share."""

from django.utils.translation import gettext_lazy as _

WHILE_CUSTOMER = _("kept as long as you are a customer, and deleted when you ask for it")
WHILE_ACCOUNT = _("kept as long as your account stands or until you remove it")
WHILE_IN_USE = _("kept as long as the portal uses it: it is about nobody")
