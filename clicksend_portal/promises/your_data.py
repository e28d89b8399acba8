"""Promises about data: what is asked for, what for, how long it stays."""

from django.utils.translation import gettext_lazy as _

from clicksend_portal.promises.promise import Chapter, Evidence, Promise
from clicksend_portal.promises.readings import asking, keeping, references

PROMISES = (
    Promise(
        id="explicit-ask",
        chapter=Chapter.DATA,
        sentence=_("We ask you openly for personal information"),
        clause=_("ClickSend asks explicitly when we need information that identifies you."),
        how=_(
            "Every field says why it is asked, where it is asked. Only user name, name and email "
            "are needed, and nothing is ticked beforehand. Nothing about you is bought or "
            "collected elsewhere."
        ),
        check=_("Read the sign-up page. What we store about you is on the page My data."),
        evidence=Evidence.CONSTRUCTION,
        read=asking.read_explicit_ask,
        tell=asking.tell_explicit_ask,
    ),
    Promise(
        id="purpose-bound",
        chapter=Chapter.DATA,
        sentence=_("What you tell us is used for what we asked it for"),
        clause=_(
            "Personal information is used for your access and to contact you. Financial "
            "information is used to verify identity and to invoice. Demographic and profile data "
            "may be used to tailor this site or requested email."
        ),
        how=_(
            "Each field has its purpose written beside it. Nothing is tailored to your profile "
            "today."
        ),
        check=_("The page My data names the purpose of each class of data."),
        missing=_("A staff role of its own for financial fields is not built yet."),
        evidence=Evidence.CONSTRUCTION,
    ),
    Promise(
        id="seven-years",
        chapter=Chapter.DATA,
        sentence=_("Billing records are kept for at most 7 years"),
        clause=_(
            "Data is only stored for billing and accounting purposes for up to 7 years or as "
            "required by law."
        ),
        how=_(
            "A schedule covers every table and runs every night. The 7 years run from the day the "
            "transaction ended, never from your sign-up, and end on the exact date. Where the "
            "law of the company you have a contract with wants less, it is less. Records of "
            "messages go with their month, at the latest 7 years after the message, whichever "
            "company it is. The programs do not start with a period above 7 years."
        ),
        check=_(
            "The retention schedule is public, with the last run of each rule. The page My data "
            "says how long your own invoices are kept."
        ),
        evidence=Evidence.MEASURED,
        read=keeping.read_seven_years,
        tell=keeping.tell_seven_years,
    ),
    Promise(
        id="erased-on-request",
        chapter=Chapter.DATA,
        sentence=_("Your data is deleted when you ask for it"),
        clause=_("Data can be deleted at any time at the customer's request."),
        how=_(
            "You see beforehand what will be deleted and what must be kept until when. A deletion "
            "goes on where it stood even if a machine stops in the middle. Only invoices and "
            "payments stay until their date, and a keyed fingerprint of your address, so that we "
            "never write to you again."
        ),
        check=_(
            "Ask for deletion on the page My data: you get the address of a page that shows what "
            "has been done, an email when it is finished, and a signed receipt that anybody can "
            "check without us."
        ),
        evidence=Evidence.MEASURED,
        read=keeping.read_erased,
        tell=keeping.tell_erased,
    ),
    Promise(
        id="gone-when-needless",
        chapter=Chapter.DATA,
        sentence=_("All data is deleted when it is no longer needed, on paper too"),
        clause=_(
            "All data will be deleted when ClickSend no longer needs it. This includes both "
            "electronic and physical data/material."
        ),
        how=_(
            "Every table has a rule that says when its rows go, or a reason why they stay; a table "
            "without either stops us from putting a new version into use. The rules run every "
            "night. Paper, disks and tapes stand in a register with the day they must be destroyed "
            "by, and two people sign for how it was done."
        ),
        check=_(
            "The retention schedule is public, with the last run of each rule. How old the oldest "
            "row under each is, and what its limit is, stands above. What is past its day, row or "
            "paper, breaks the promise here."
        ),
        evidence=Evidence.MEASURED,
        read=keeping.read_schedule,
        tell=keeping.tell_schedule,
        detail=keeping.tell_oldest,
    ),
    Promise(
        id="de-identified",
        chapter=Chapter.DATA,
        sentence=_("Message data is de-identified where it is needed"),
        clause=_("Message data can be de-identified where necessary."),
        how=_(
            "Content, recipient and names stand apart from the record of a message, and go after "
            "at most 4 months, or when you ask for it. Nobody puts them together again."
        ),
        check=_("The page My data offers it, with a preview of what goes."),
        evidence=Evidence.MEASURED,
        read=keeping.read_de_identified,
        tell=keeping.tell_de_identified,
    ),
    Promise(
        id="reference-by-will",
        chapter=Chapter.DATA,
        sentence=_("You can leave the customer reference program at any time"),
        clause=_(
            "Typical variants of customer reference activity include the use of name, logo, "
            "quotes, success stories, case studies, ROI case studies and sales calls. You reserve "
            "the right to opt out of the customer reference program at any time."
        ),
        how=_(
            "Each activity has a yes or no of its own, and of everything but a name or a "
            "logo nothing appears before you have approved the very words. Every use is "
            "registered. Your no takes all of them down: "
            "from our page of references within a minute, and from everywhere else by a date, "
            "with somebody who answers for it and proof that it is gone. One that is late breaks "
            "this promise."
        ),
        check=_(
            "Your page Reference program shows every use of you, and what happens to each after "
            "a no. Who is shown right now stands on our page of references, for everybody."
        ),
        evidence=Evidence.MEASURED,
        read=references.read_by_will,
        tell=references.tell_by_will,
    ),
)
