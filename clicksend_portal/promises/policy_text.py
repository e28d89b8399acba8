"""The policy in plain words, clause by clause, each with the promises that it makes.

Written by us. The published Norwegian text is the source of the meaning, and each promise's page
quotes it; `/privacy/` says what it means for the reader.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from clicksend_portal.promises.promise import Promise, Text
from clicksend_portal.promises.registry import BY_ID


@dataclass(frozen=True, slots=True)
class Clause:
    text: Text
    promise_ids: tuple[str, ...]

    @property
    def promises(self) -> list[Promise]:
        return [BY_ID[promise_id] for promise_id in self.promise_ids]


@dataclass(frozen=True, slots=True)
class PolicyChapter:
    id: str
    title: Text
    clauses: tuple[Clause, ...]


CHAPTERS = (
    PolicyChapter(
        "what-we-ask",
        _("What we ask for, and what for"),
        (
            Clause(
                _(
                    "We ask you openly when we need something that identifies you, and say why "
                    "beside each field. User name, name and email address are needed; everything "
                    "else is up to you."
                ),
                ("explicit-ask",),
            ),
            Clause(
                _(
                    "What identifies you is used to give you access and to reach you while you "
                    "use the service. Financial information is used to verify identity and to "
                    "invoice. What you tell us about yourself or your company may tailor pages "
                    "and requested email, and only if you say yes to that."
                ),
                ("purpose-bound",),
            ),
            Clause(
                _(
                    "We add up how the service is used, and may publish the sums. We never give "
                    "anyone information about one person."
                ),
                ("aggregate-only",),
            ),
        ),
    ),
    PolicyChapter(
        "email",
        _("Email from us"),
        (
            Clause(
                _(
                    "Your email address is used to send you what you asked for. You choose topic "
                    "by topic, and we send no offers and no advertising that you did not ask for."
                ),
                ("asked-for-mail",),
            ),
            Clause(
                _(
                    "You can say no to product news, special offers and the newsletter, one by "
                    "one or all at once."
                ),
                ("offers-optional",),
            ),
            Clause(
                _(
                    "Every email you asked for has a way to unsubscribe. It takes effect within a "
                    "few minutes, and nothing more of that kind is sent."
                ),
                ("way-out-in-every-mail", "obeyed-in-minutes"),
            ),
            Clause(
                _(
                    "New users get a welcome email. It confirms the account and the user name, "
                    "and carries a link with which you set your password yourself. We never send "
                    "a password."
                ),
                ("welcome-confirms",),
            ),
            Clause(
                _(
                    "In rare cases we send a service message, for example about maintenance. You "
                    "cannot decline it as long as your account is active, but you can deactivate "
                    "the account. A service message never advertises."
                ),
                ("service-is-service",),
            ),
            Clause(
                _(
                    "When something is wrong with your account we answer by email or phone, as you "
                    "wish."
                ),
                ("your-channel",),
            ),
        ),
    ),
    PolicyChapter(
        "contact-lists",
        _("Contact lists and content"),
        (
            Clause(
                _(
                    "We do not sell, rent or lend contact lists to anyone, neither ours nor our "
                    "customers'. We never use customers' contact lists for our own marketing."
                ),
                ("lists-untouched",),
            ),
            Clause(
                _("Contact lists, message content and reports stay private and confidential."),
                ("content-private",),
            ),
            Clause(
                _(
                    "We may scan the content of your campaigns against the terms of use, to stop "
                    "what is defamatory, inaccurate, violent, indecent, profane or threatening, "
                    "or offensive to an ethnic group. A person decides, and you can object."
                ),
                ("content-scanned",),
            ),
        ),
    ),
    PolicyChapter(
        "keeping",
        _("How long we keep data"),
        (
            Clause(
                _(
                    "Billing and accounting records are kept for up to 7 years from the end of "
                    "the transaction, or as the law requires."
                ),
                ("seven-years",),
            ),
            Clause(
                _("You can have your data deleted at any time."),
                ("erased-on-request",),
            ),
            Clause(
                _(
                    "Message data can be de-identified where needed: what a message said, and to "
                    "whom, goes after at most 4 months, or at once when you ask. The published "
                    "sentence says “can be identified”; we read it as “can be de-identified”, "
                    "which is what the service offers. Nobody here turns such data back into a "
                    "person."
                ),
                ("de-identified",),
            ),
            Clause(
                _(
                    "Everything is deleted when we no longer need it, on paper and on disk. What "
                    "each kind of data is kept for, and how long, is public."
                ),
                ("gone-when-needless",),
            ),
        ),
    ),
    PolicyChapter(
        "who",
        _("Where data is, and who can see it"),
        (
            Clause(
                _(
                    "Data can be seen by a limited number of employees with special rights. No "
                    "third party has access, and your data is never sold, rented or lent."
                ),
                ("few-see",),
            ),
            Clause(
                _("The servers stand in several secure data centres, far from each other."),
                ("apart-and-safe",),
            ),
        ),
    ),
    PolicyChapter(
        "references",
        _("Customer reference program"),
        (
            Clause(
                _(
                    "In the customer reference (referral) program we may use your name, logo, "
                    "quotes, success stories, case studies and ROI case studies, or ask you for a "
                    "sales call. Each needs a yes of its own, and you can leave at any time."
                ),
                ("reference-by-will",),
            ),
        ),
    ),
    PolicyChapter(
        "visits",
        _("Visits to this site"),
        (
            Clause(
                _(
                    "We use IP addresses to find faults in the server and to run the site. We "
                    "never link them to a person."
                ),
                ("ip-apart",),
            ),
            Clause(
                _("We count how often each page is visited, not who reads what."),
                ("pages-not-people",),
            ),
        ),
    ),
    PolicyChapter(
        "questions",
        _("Questions"),
        (
            Clause(
                _("Accounts are free and so is advice. Ask us about anything on this page."),
                ("reachable",),
            ),
        ),
    ),
)
