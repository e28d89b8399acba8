"""Promises about mail: what is sent, how to stop it, how we answer."""

from django.utils.translation import gettext_lazy as _

from clicksend_portal.promises.promise import Chapter, Evidence, Promise
from clicksend_portal.promises.readings import announcements, mailings, permission, support

PROMISES = (
    Promise(
        id="asked-for-mail",
        chapter=Chapter.MAIL,
        sentence=_("You only get the email you asked for"),
        clause=_(
            "Your email address is only used to send you the information you have asked for. "
            "ClickSend will not send you email information, commercial offers or advertisements "
            "without being asked."
        ),
        how=_(
            "No optional email leaves without your yes to its topic, and no yes counts before you "
            "have confirmed your address. The database decides it in one place, at the moment each "
            "email is handed over, and no other part of the portal can mark one as handed over."
        ),
        check=_(
            "Every hour we compare what was sent with the history of everyone's choices. Compare "
            "it yourself: your choices, with their dates, are on your page, and every optional "
            "email says which yes it rests on."
        ),
        evidence=Evidence.MEASURED,
        read=permission.read_asked_for,
        tell=permission.tell_asked_for,
    ),
    Promise(
        id="offers-optional",
        chapter=Chapter.MAIL,
        sentence=_("You can say no to offers, product news and newsletters, one by one"),
        clause=_(
            "Established users will occasionally receive information about products, services and "
            "special offers, and a newsletter. Out of respect for our users' privacy we also give "
            "them the option not to receive this kind of communication."
        ),
        how=_(
            "Each kind of optional email is a topic with a yes or no of its own. Sign-up asks "
            "about every topic, nothing is chosen beforehand, and one button says no to all of it."
        ),
        check=_(
            "Look at the sign-up page: it cannot be sent without your own answer to each topic. "
            "Afterwards the same choices stand on your page, each with since when."
        ),
        evidence=Evidence.CONSTRUCTION,
        read=mailings.read_offers,
        tell=mailings.tell_offers,
    ),
    Promise(
        id="way-out-in-every-mail",
        chapter=Chapter.MAIL,
        sentence=_("Every email you asked for has a way to unsubscribe"),
        clause=_(
            "All email messages you have asked for will contain the option to end the "
            "subscription. Customers can unsubscribe with the mechanism at the bottom of each "
            "email."
        ),
        how=_(
            "The way out is added by the sender, not by whoever writes the email: a link in the "
            "footer, and headers (RFC 8058) that give your mail program its own button. An "
            "author can neither forget nor remove it."
        ),
        check=_(
            "Open the source of any optional email from us: List-Unsubscribe and "
            "List-Unsubscribe-Post are there. The link needs no sign-in."
        ),
        evidence=Evidence.MEASURED,
        read=mailings.read_way_out,
        tell=mailings.tell_way_out,
    ),
    Promise(
        id="obeyed-in-minutes",
        chapter=Chapter.MAIL,
        sentence=_("Unsubscribing takes effect within a few minutes"),
        clause=_(
            "Unsubscribe requests are met within a few minutes, and no further communication will "
            "be sent to users who have said that they do not wish to receive it."
        ),
        how=_(
            "Your permission is asked for in the same statement that marks an email as handed "
            "over. Once your no is stored, nothing more is handed over, not even from a campaign "
            "that is already being sent."
        ),
        check=_(
            "Unsubscribe, and look at the history on your page: it says when your no took effect. "
            "Nothing on that topic has been sent to you since."
        ),
        evidence=Evidence.MEASURED,
        read=permission.read_obeyed,
        tell=permission.tell_obeyed,
        detail=permission.tell_ways,
    ),
    Promise(
        id="service-is-service",
        chapter=Chapter.MAIL,
        sentence=_("Service messages are rare, and never advertising"),
        clause=_(
            "On rare occasions it is necessary to send out a strictly service related "
            "announcement. Generally, users may not opt out of this communication, though they "
            "can deactivate their account. This communication is not promotional."
        ),
        how=_(
            "Service messages are a kind of their own, from a sender address apart from the "
            "newsletter's. The database sends none that nobody but its writers has approved, and "
            "lets nobody change the words after that. For an outage at night one person on call "
            "sends a text that another approved beforehand, and another reviews it within three "
            "working days. A list of words and links stops what sounds like advertising or "
            "counts its readers; people judge the rest. The messages stop when you deactivate "
            "your account. More than two in a month breaks this promise by itself."
        ),
        check=_(
            "Count the messages from our service address in your own inbox, and look where their "
            "links lead: none of them names you."
        ),
        evidence=Evidence.MEASURED,
        read=announcements.read_service,
        tell=announcements.tell_service,
    ),
    Promise(
        id="welcome-confirms",
        chapter=Chapter.MAIL,
        sentence=_("New users get a welcome email, and it never holds a password"),
        clause=_(
            "We send all new users a welcome email to confirm their new account as well as "
            "password and user name."
        ),
        how=_(
            "The welcome email is written in the same transaction as the account, so one cannot "
            "exist without the other. It confirms your user name and carries a link that works "
            "once and expires, with which you set the password yourself. A password in an email "
            "would be readable for everyone on its way."
        ),
        check=_("Sign up, and read the welcome email. Use its link twice: the second time fails."),
        evidence=Evidence.MEASURED,
        read=mailings.read_welcome,
        tell=mailings.tell_welcome,
    ),
    Promise(
        id="your-channel",
        chapter=Chapter.MAIL,
        sentence=_("We answer by email or phone, as you wish"),
        clause=_(
            "In case of problems with the account we answer by email or phone, in accordance with "
            "the user's wishes."
        ),
        how=_(
            "Each question says how it is to be answered, from your account page or as you choose "
            "when you ask. Whoever answers sees that first and has only that way: the database "
            "refuses the other."
        ),
        check=_("Ask us something under Support, and see which way the answer comes."),
        evidence=Evidence.CONSTRUCTION,
        read=support.read_channel,
        tell=support.tell_channel,
    ),
)
