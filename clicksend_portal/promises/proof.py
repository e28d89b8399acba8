"""Promises about how the portal itself is made and run."""

from django.utils.translation import gettext_lazy as _

from clicksend_portal.promises.promise import Chapter, Evidence, Promise
from clicksend_portal.promises.readings import structure, support

PROMISES = (
    Promise(
        id="ip-apart",
        chapter=Chapter.PROOF,
        sentence=_("Your IP address is never linked to you"),
        clause=_(
            "We use your IP address to diagnose problems with our server and to administer our "
            "website. We do not link your IP address to personally identifiable information."
        ),
        how=_(
            "No table has a place for an IP address, the list of your sessions included. The "
            "request log, in which an address may stand for a short while, names no user."
        ),
        check=_("Download your data: there is no IP address in it."),
        evidence=Evidence.MEASURED,
        read=structure.read_ip_apart,
        tell=structure.tell_ip_apart,
    ),
    Promise(
        id="pages-not-people",
        chapter=Chapter.PROOF,
        sentence=_("We count pages, not readers"),
        clause=_(
            "ClickSend does not track what individual users read, but rather how often each page "
            "is visited."
        ),
        how=_(
            "There is one counter per page and day. The counter has no cookie, no identifier and "
            "no address, so nobody can ask it who read what."
        ),
        check=_(
            "Look at what your browser stores for this site: at most a sign-in, a language and a "
            "protection for forms. No page asks another host for anything."
        ),
        evidence=Evidence.CONSTRUCTION,
        read=structure.read_page_counts,
        tell=structure.tell_page_counts,
    ),
    Promise(
        id="aggregate-only",
        chapter=Chapter.PROOF,
        sentence=_("Published figures are sums, never about one person"),
        clause=_(
            "ClickSend also compiles information on demographic use and product use, but only in "
            "the aggregate, and may make the aggregated information publicly available. Under no "
            "circumstances will ClickSend make personal information about an individual user "
            "available to anyone."
        ),
        how=_(
            "On this page a count of people below five is shown as “fewer than five”. Statistics "
            "will follow the rules of statistics offices: smallest group, further cells hidden "
            "where one could be worked out, fixed periods."
        ),
        check=_("The rules will stand beside the published figures."),
        missing=_("Statistics are not published yet."),
        evidence=Evidence.CONSTRUCTION,
    ),
    Promise(
        id="apart-and-safe",
        chapter=Chapter.PROOF,
        sentence=_("Your data is kept in several secure data centres, far from each other"),
        clause=_(
            "ClickSend's servers are located in several secure data centres (geographically "
            "separated)."
        ),
        how=_(
            "A second copy in another region will follow the first, and encrypted backups will be "
            "restored in rehearsal."
        ),
        check=_("How far the second copy is behind will stand here."),
        missing=_("The second region and the rehearsed backups are not in use yet."),
        evidence=Evidence.DECLARED,
    ),
    Promise(
        id="reachable",
        chapter=Chapter.PROOF,
        sentence=_("You can reach us with questions, and advice is free"),
        clause=_(
            "If you have questions or concerns about our privacy policy, you are welcome to "
            "contact us. Free accounts and free advice. Our legal team is ready to help you."
        ),
        how=_(
            "The page Contact has a form, an address, a phone number, and an address for privacy "
            "alone. Questions asked there or under Support stand in a list for our staff, the "
            "oldest first; one that waits for more than five days breaks this promise."
        ),
        check=_("Write to us."),
        evidence=Evidence.MEASURED,
        read=support.read_reachable,
        tell=support.tell_reachable,
    ),
)
