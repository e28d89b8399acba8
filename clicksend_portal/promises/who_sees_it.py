"""Promises about who gets to see what."""

from django.utils.translation import gettext_lazy as _

from clicksend_portal.promises.promise import Chapter, Evidence, Promise
from clicksend_portal.promises.readings import content, staff

PROMISES = (
    Promise(
        id="few-see",
        chapter=Chapter.ACCESS,
        sentence=_("Few people at ClickSend can see your data, and no third party"),
        clause=_(
            "The data can only be accessed by a limited number of privileged ClickSend employees. "
            "No third party has access to the data."
        ),
        how=_(
            "The database lets in no more staff accounts than the limit, and gives a role only "
            "where another administrator has confirmed it within the year; the first accounts come "
            "from the command line. An account that nobody has confirmed within the year opens "
            "nothing, nor does one without a second factor. A customer's data opens for a reason "
            "and for half an hour, and the customer reads who looked. Whoever runs the machines is "
            "declared and counted."
        ),
        check=_(
            "The number and the limit stand here, and who looked at your data under “Your data”. "
            "An auditor can be shown the accounts and what each role may do."
        ),
        evidence=Evidence.MEASURED,
        read=staff.read_few_see,
        tell=staff.tell_few_see,
    ),
    Promise(
        id="lists-untouched",
        chapter=Chapter.ACCESS,
        sentence=_("Contact lists are never sold, rented or lent, and yours are never used by us"),
        clause=_(
            "ClickSend will not sell, rent or lend its contact lists or its customers' contact "
            "lists to any external companies, nor will ClickSend use its customers' contact lists "
            "for its own marketing purposes."
        ),
        how=_(
            "What sends our own email signs in to the database as a role that has no right to "
            "read customers' content. There is no export of lists to others."
        ),
        check=_("The database itself is asked what the sending role may read, every hour."),
        evidence=Evidence.MEASURED,
        read=content.read_lists_untouched,
        tell=content.tell_lists_untouched,
    ),
    Promise(
        id="content-private",
        chapter=Chapter.ACCESS,
        sentence=_("Your lists, messages and reports stay private"),
        clause=_(
            "ClickSend ensures that all contact lists, message content and reports remain private "
            "and confidential."
        ),
        how=_(
            "The database hands out your lists, messages and reports to you alone: a page that "
            "forgets to ask for whom it works gets nothing. No page of our staff shows content, "
            "and what sends our own email has no right to read it."
        ),
        check=_(
            "Sign in and look: lists and messages are your own. The database is asked every hour "
            "which tables stand apart like this."
        ),
        evidence=Evidence.MEASURED,
        read=content.read_content_private,
        tell=content.tell_content_private,
    ),
    Promise(
        id="content-scanned",
        chapter=Chapter.ACCESS,
        sentence=_("Campaigns may be scanned against the terms, and a person decides"),
        clause=_(
            "ClickSend may scan the content of your campaigns to ensure that it complies with our "
            "terms of use, and to protect against defamatory, inaccurate, violent, indecent, "
            "profane or threatening material, or material that is racially or ethnically "
            "offensive."
        ),
        how=_(
            "Campaigns will be scanned before they are sent. A finding will go to a person who "
            "decides, you will see the decision, and you can object."
        ),
        check=_("Every decision about your campaign will be shown to you."),
        missing=_("The scan is not built yet. Nothing of yours is scanned today."),
        evidence=Evidence.MEASURED,
    ),
)
