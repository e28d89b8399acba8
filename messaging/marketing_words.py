"""What advertising sounds like in Norwegian and English: the lexicon of `marketing_check`.

Each rule is a pattern with a reason for the writer. Words are whole words with their inflections;
Norwegian compounds are open at the end that makes them one (`sommerrabatt`, `rabattkoder`). Rules
with `priced` name money soberly and are let pass about billing and terms, where a changed price is
the message itself.

Our customers send campaigns with our service, and we have to be able to write about that:
"campaigns planned for tonight wait" is service, "our campaign" is not. So imperatives are kept
apart from mere mention ("kjøp nå" from "kjøp av kreditt feiler"), and what is to be brought up to
date from what is to be sold ("upgrade to version 3" from "upgrade to Pro").
"""

import re
from dataclasses import dataclass
from re import Pattern

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OFFER = _("It makes an offer. Offers go to those who asked for them.")
DISCOUNT = _("It promises a discount. Discounts are told to those who asked for offers.")
PRICE = _("It names a price. Prices belong here only when billing or terms are the subject.")
FREE = _("It entices with something free.")
BUY = _("It asks the reader to buy or order.")
UPGRADE = _("It asks the reader to take a bigger plan.")
PRAISE = _("It praises instead of informing.")
HURRY = _("It hurries the reader, as advertising does.")
INVITE = _("It invites to something that the account does not need.")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which advertising speaks, and what to tell whoever wrote it."""

    pattern: Pattern[str]
    why: str | Promise
    priced: bool = False


def rule(why: str | Promise, *patterns: str, priced: bool = False) -> Rule:
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return Rule(re.compile(rf"\b(?:{joined})", re.IGNORECASE | re.UNICODE), why, priced)


# Bounded, as all that repeats here: at each of many short numbers the rest would be read again.
_AMOUNT = r"\d[\d\s.,]{0,20}"
# Codes in capitals only: "nok 5 minutter" and "30 sek" are no money.
_CODES = r"(?-i:NOK|SEK|DKK|EUR|USD|GBP|AUD)"
_MONEY = (
    rf"(?:kr|kroner|{_CODES})\.?\s?{_AMOUNT}\b",
    rf"{_AMOUNT}\s?(?:kr|kroner|øre|euros?|cents?|{_CODES})\b",
)
_SIGNS = Rule(re.compile(rf"[€$£]\s?{_AMOUNT}|{_AMOUNT}\s?[€$£]"), PRICE, priced=True)
_PERCENT = r"\d+(?:[.,]\d+)?\s?(?:%|prosent|percent|per\s+cent)"
_PAID_PLAN = r"(?:pro|premium|plus|pluss|business|bedrift|enterprise|gold|gull)\b"
# What is brought up to date, not up to a higher price.
_SOFTWARE = (
    r"(?:version|versjon|tls|sdk|api|library|bibliotek|plugin|programtillegg|firmware|browser|"
    r"nettleser|klient|client|app|integra[ts]j?on|v?\d)"
)

NORWEGIAN: tuple[Rule, ...] = (
    rule(
        OFFER,
        r"(?!\w*(?:tjeneste|kurs|helse|undervisnings)tilbud)\w*tilbud(?:et|ene|a|s)?\b",
        r"tilbuds\w+",
        r"kampanje(?:pris|kode|tilbud|rabatt|uke|periode|måned)\w*",
        r"(?:jule|påske|sommer|vinter|høst|vår|nyttårs|vekst|verve|lanserings|måneds|jubileums)"
        r"kampanje\w*",
        r"(?:vår|denne|ny|nye|stor|store|årets|ukens|månedens)\s+kampanje(?:n|r|ne)?\b",
        r"kampanjen(?:e)?\s+(?:vår|gjelder|varer)\b",
        r"(?:gavekort|kupong|verdikode|rabattkode|bonus(?:poeng|pakke)?|velkomstbonus)"
        r"(?:et|en|er|ene|ene)?\b",
        r"(?:januar|februar|sommer|vinter|høst|vår|jule|lager|slutt)salg(?:et)?\b",
        r"(?:på|stort)\s+salg\b",
        r"(?:jule|sommer|bursdags|velkomst)?gave(?:n|r)?\s+(?:fra\s+oss|til\s+deg)\b",
        r"dob(?:le|belt\s+så\s+mange)\s+(?:kreditt|poeng)\w*",
        r"(?:trofaste|lojale|våre\s+beste)\s+kunder\b",
    ),
    rule(
        DISCOUNT,
        rf"{_PERCENT}\s+(?:\w+\s+)?(?:rabatt|avslag|billigere|mindre\s+å\s+betale|lavere\s+pris)",
        rf"(?:få|spar|sparer)\s+(?:deg\s+|dere\s+)?(?:opptil\s+|inntil\s+)?{_PERCENT}"
        r"(?:\s+(?:rabatt|avslag))?",
        rf"spar(?:er)?\s+(?:opptil|inntil|penger|mye|{_AMOUNT}\s?(?:kr|kroner))",
        r"(?:få|gir\s+deg|gir\s+dere|tilbyr)\s+(?:deg\s+|dere\s+)?(?:\w+\s+)?rabatt\w*",
        r"halv(?:ert)?\s+pris\b",
        r"mer\s+for\s+(?:mindre|pengene)\b",
        r"(?:introduksjons|lanserings|velkomst|super|sommer|vinter|jule)pris(?:er|en)?\b",
        r"(?:hva|så\s+mye|hvor\s+mye)\s+du\s+(?:kan\s+)?sparer?\b",
        r"to\s+for\s+en\b",
        r"rabatt(?:kode|kupong|pakke|uke|dag)\w*",
        r"prisgaranti\w*",
        r"(?:jule|sommer|vinter|høst|vår|januar|velkomst|vekst|lojalitets|student)rabatt\w*",
    ),
    rule(DISCOUNT, r"\w*rabatt(?:en|er|ene|ert|erte)?\b", priced=True),
    rule(
        FREE,
        r"gratis\s+(?:\w+\s+)?(?:prøve|måned|uke|sms|meldinger|kreditt|oppgradering|frakt|gave|"
        r"tilgang|demo|kurs|webinar)\w*",
        r"(?:prøv|test|få|send)\s+(?:\w+\s+){0,3}(?:gratis|uten\s+kostnad)\b",
        r"gratis(?:prøve|periode|måned|versjon)\w*",
        r"prøveperiode\w*",
        r"på\s+kjøpet\b",
    ),
    rule(
        FREE,
        r"gratis\b",
        r"kostnadsfri(?:tt|e)?\b",
        r"uten\s+(?:ekstra\s+)?kostnad(?:er)?\b",
        priced=True,
    ),
    rule(
        BUY,
        r"kjøp\s+(?:nå|i\s+dag|straks|flere|mer|her|din|ditt|dine|en|et|to|tre|\d+|før|vår|våre|"
        r"gjerne)\b",
        r"bestill\s+(?:nå|i\s+dag|straks|flere|her|din|ditt|en\s+demo|demo)\b",
        r"(?:handle|handl)\s+(?:nå|i\s+dag|her)\b",
        r"sikre?\s+deg\b",
        r"legg\s+i\s+handlekurv\w*",
        r"fyll\s+på\s+(?:\w+\s+)?(?:nå|i\s+dag|før)\b",
        r"(?:kontakt|snakk\s+med)\s+(?:en\s+)?(?:salg|selger|salgsavdeling|salgsteam)\w*",
        r"se\s+(?:våre|alle)\s+(?:priser|pakker|planer|abonnement(?:er)?|produkter)\b",
    ),
    rule(
        UPGRADE,
        rf"oppgrader\s+(?:nå|i\s+dag)\b(?![^.!?\n]{{0,200}}\b{_SOFTWARE})",
        rf"oppgrader\s+(?:gjerne\s+)?(?:kontoen\s+)?til\s+(?:\w+\s+)?{_PAID_PLAN}",
        r"oppgrader\s+(?:abonnementet|planen|pakken|kontoen|til\s+et?\s+større)\b",
        r"(?:få|lås\s+opp)\s+(?:enda\s+)?(?:mer|flere)\s+(?:funksjoner|muligheter|ut\s+av)\b",
        rf"med\s+(?:\w+\s+)?{_PAID_PLAN}\s+får\s+du",
        r"merkjøp\w*",
        r"bli\s+(?:pro|premium|plus|pluss|gull|vip)\b",
        r"hvorfor\s+(?:nøye\s+deg|vente)\b",
        r"(?:få|oppnå)\s+(?:enda\s+)?(?:flere|bedre|mer|høyere|økt|økte)\s+(?:svar|salg|kunder|"
        r"lesere|besøk|leads|klikk|effekt|resultater|omsetning)\b",
        r"øk\s+(?:salget|omsetningen|inntektene|svarprosenten|effekten|synligheten)\b",
    ),
    rule(
        PRAISE,
        r"(?:beste|laveste|lavest|best)\s+(?:pris|valg|tjeneste|løsning|noensinne|på\s+markedet|"
        r"i\s+klassen|på\s+nett)\w*",
        r"(?:markedets|norges|nordens|verdens|bransjens)\s+(?:beste|billigste|ledende|raskeste|"
        r"største|enkleste)\b",
        r"(?:markeds|bransje|verdens)ledende\b",
        r"(?:uslåelig|fantastisk|enestående|revolusjonerende|banebrytende|uovertruffen|"
        r"uimotståelig|spektakulær)(?:e|t)?\b",
        r"utrolig\s+(?:god|gode|bra|lav|lave|billig|billige|mye)\b",
        r"(?:billigst|billigste)\b",
        r"verdensklasse\b",
        r"eksklusiv(?:t|e)?\b(?!\s+(?:mva|merverdiavgift|moms|avgift))",
        r"(?:vi\s+er\s+)?(?:stolte|begeistret|glade|superglade)\s+(?:av|over|for)\s+å\s+(?:kunne\s+)?"
        r"(?:presentere|lansere|introdusere|tilby)\b",
        r"(?:perfekt|ideell)\s+for\s+deg\b",
        r"du\s+kommer\s+til\s+å\s+elske\b",
        r"aldri\s+(?:har\s+det\s+)?(?:vært|før)\s+(?:så\s+)?(?:enkler?e?|raskere|billigere|lettere)\b",
    ),
    rule(
        HURRY,
        r"(?:kun|bare)\s+(?:i\s+dag|nå|denne\s+uken|i\s+helgen|få\s+timer)\b",
        r"siste\s+(?:sjanse|mulighet|dag\s+for\s+å\s+(?:få|kjøpe|bestille))\b",
        r"skynd\s+deg\b",
        r"(?:vær|bli)\s+(?:først\s+ute|blant\s+de\s+første)\b",
        r"(?:ikke\s+gå|gå\s+ikke)\s+glipp\b",
        r"(?:benytt|grip)\s+(?:deg\s+av\s+)?(?:sjansen|muligheten|anledningen|tilbudet)\b",
        r"(?:i\s+)?(?:en\s+)?begrenset\s+(?:tid|periode|antall)\b(?!\s+(?:forsøk|kall|tegn))",
        r"så\s+lenge\s+(?:lageret|beholdningen)\b",
        r"før(?:st|stemann)\s+til\s+møll\w+",
        r"før\s+det\s+er\s+for\s+sent\b",
        r"slå\s+til\b(?=\s*(?:nå|i\s+dag|[.!]|$))",
    ),
    rule(
        INVITE,
        r"meld\s+deg\s+på\s+(?:\w+\s+){0,2}(?:nyhetsbrev|webinar|kurs|arrangement|seminar)\w*",
        r"abonner\s+på\s+(?:\w+\s+)?nyhetsbrev\w*",
        r"verv\s+(?:en\s+)?(?:venn|kunde|kollega)\w*",
        r"vinn\b",
        r"(?:bli\s+med|delta)\s+(?:i|på)\s+(?:\w+\s+)?(?:trekning|konkurranse|webinar|lotteri)\w*",
        r"oppdag\b",
        r"prøv\s+(?:vår|våre|vårt|den\s+nye|det\s+nye|de\s+nye|nå\b(?!\s+igjen))",
        r"(?:ta\s+en\s+titt|sjekk\s+ut)\b",
        r"(?:vi\s+feirer|feir\s+med\s+oss)\b",
        r"følg\s+oss\b",
    ),
    rule(PRICE, *_MONEY, priced=True),
    _SIGNS,
)

ENGLISH: tuple[Rule, ...] = (
    rule(
        OFFER,
        r"(?:special|limited(?:[-\s]time)?|exclusive|great|best|introductory|launch|seasonal|summer|"
        r"winter|spring|autumn|christmas|easter|holiday|unbeatable|amazing|unique|new|latest|this|"
        r"our|an|the|one[-\s]time|welcome|loyalty|january|birthday)\s+offers?\b",
        r"offers?\s+(?:ends?|expires?|valid|applies)\b",
        r"(?:great|hot|best|special|exclusive|weekly|daily|our|the)\s+deals?\b",
        r"deals?\s+of\s+the\b",
        r"black\s+friday\b",
        r"cyber\s+(?:monday|week)\b",
        r"(?:on|flash|summer|winter|spring|january|clearance|big)\s+sale\b",
        r"promo(?:tion|tional)?\s+(?:code|price|offer|period)s?\b",
        r"(?:our|this|new|promotional)\s+(?:campaign|promotion)s?\b",
        r"(?:coupon|voucher|gift\s+card|cashback|giveaway)s?\b",
        r"bonus\s+(?:credits?|messages|points)\b",
        r"(?:super|mega|top|sweet|crazy|big|biggest)\s+(?:deal|offer|saving)s?\b",
        r"(?:our|a|your)\s+gift\s+(?:to|for|from)\s+(?:you|us)\b",
        r"on\s+the\s+house\b",
        r"double\s+(?:the\s+|your\s+)?(?:credits?|points)\b",
        r"(?:loyal|most\s+valued)\s+customers\b",
    ),
    rule(
        DISCOUNT,
        rf"{_PERCENT}\s+(?:off|discount|cheaper|less\s+to\s+pay)\b",
        rf"save\s+(?:up\s+to|money|big|{_PERCENT}|[€$£]\s?\d|\d+\s?(?:kr|nok|eur|usd))",
        r"(?:get|enjoy|claim|receive|grab)\s+(?:\w+\s+){0,2}discounts?\b",
        r"discount\s+(?:code|coupon)s?\b",
        r"half\s+(?:the\s+)?price\b",
        r"more\s+for\s+(?:less|your\s+money)\b",
        r"(?:introductory|launch|holiday|summer|winter|christmas)\s+(?:price|pricing|rate)s?\b",
        r"(?:what|how\s+much)\s+you(?:\s+can|['’]ll|\s+will|\s+could)?\s+save\b",
        r"(?:buy|get)\s+(?:one|two|2)[,\s]+(?:get|for)\s+(?:one|1|the\s+price)\b",
        r"(?:reduced|lower|lowest|special)\s+prices?\s+(?:for|until|now|today|only)\b",
        r"price\s+(?:drop|match|guarantee)\b",
    ),
    rule(DISCOUNT, r"discount(?:s|ed)?\b", priced=True),
    rule(
        FREE,
        r"free\s+(?:\w+\s+)?(?:trial|month|week|gift|upgrade|shipping|credits?|sms|messages|demo|"
        r"webinar|access|sample)s?\b",
        r"(?:try|get|yours|test)\s+(?:\w+\s+){0,4}(?:for\s+)?free\b(?!\s+of\s)",
        r"risk[-\s]free\b",
        r"no\s+strings\s+attached\b",
    ),
    rule(FREE, r"free\s+of\s+charge\b", r"(?:at\s+)?no\s+(?:extra\s+)?cost\b", priced=True),
    rule(
        BUY,
        r"buy\s+(?:now|today|more|one|two|yours|here|before|your|our)\b",
        r"(?:shop|order)\s+(?:now|today|here|yours)\b",
        r"purchase\s+(?:now|today|your|more)\b",
        r"get\s+(?:yours|started\s+today)\b",
        r"add\s+to\s+(?:your\s+)?(?:cart|basket)\b",
        r"book\s+(?:a|your)\s+(?:demo|call|meeting)\b",
        r"(?:contact|talk\s+to|call)\s+(?:our\s+)?sales\b",
        r"(?:see|compare|view)\s+(?:our|all)\s+(?:plans|prices|pricing|packages|products)\b",
    ),
    rule(
        UPGRADE,
        rf"upgrade\s+(?:now|today)\b(?![^.!?\n]{{0,200}}\b{_SOFTWARE})",
        rf"upgrade\s+(?:your\s+\w+\s+)?to\s+(?:\w+\s+)?{_PAID_PLAN}",
        r"(?<!if you )(?<!when you )upgrade\s+your\s+(?:plan|subscription|account|package)\b",
        r"(?:unlock|get)\s+(?:even\s+)?more\s+(?:features|out\s+of|value|power)\b",
        r"(?:go|become\s+an?)\s+(?:pro|premium|plus|gold|vip)\b",
        r"why\s+(?:settle|wait)\b",
        r"(?:get|win|drive)\s+(?:even\s+)?(?:more|better|higher)\s+(?:replies|sales|customers|"
        r"clicks|results|leads|traffic|revenue)\b",
        r"(?:grow|boost|supercharge)\s+your\b",
        r"top\s+up\s+(?:now|today|before|and\s+get)\b",
        rf"with\s+(?:\w+\s+)?{_PAID_PLAN}\s+you\s+get\b",
        r"(?:take|bring)\s+your\s+\w+\s+to\s+the\s+next\s+level\b",
    ),
    rule(
        PRAISE,
        r"best[-\s](?:price|value|ever|choice|in[-\s]class|on\s+the\s+market|selling)\w*",
        r"(?:market|industry|world)[-\s]leading\b",
        r"world[-\s]class\b",
        r"(?:unbeatable|amazing|incredible|fantastic|awesome|unmatched|revolutionary|game[-\s]"
        r"chang\w+|cutting[-\s]edge|state[-\s]of[-\s]the[-\s]art|unparalleled)\b",
        r"(?:cheapest|lowest\s+prices?|lowest\s+rates?)\b",
        r"exclusive\s+(?:access|deal|benefit|price|discount|invitation|preview)s?\b",
        r"(?:excited|thrilled|delighted|proud|happy)\s+to\s+(?:announce|introduce|present|launch|"
        r"offer)\b",
        r"you(?:['’]ll|\s+will)\s+love\b",
        r"perfect\s+for\s+you\b",
        r"never\s+been\s+(?:easier|faster|cheaper|better|simpler)\b",
    ),
    rule(
        HURRY,
        r"only\s+today\b",
        r"be\s+(?:among\s+)?the\s+first\s+to\b",
        r"today\s+only\b",
        r"this\s+week(?:end)?\s+only\b",
        r"last\s+chance\b",
        r"hurry\b",
        r"(?:don['’]t|do\s+not)\s+miss\b",
        r"limited[-\s]time\b",
        r"for\s+a\s+limited\s+time\b",
        r"while\s+(?:stocks?|supplies)\s+lasts?\b",
        r"act\s+(?:now|fast)\b",
        r"before\s+it['’]?s\s+too\s+late\b",
        r"only\s+\d+\s+(?:left|spots|seats|places)\b",
    ),
    rule(
        INVITE,
        r"(?:subscribe|sign\s+up)\s+(?:to|for)\s+(?:our|the)\s+(?:newsletter|webinar|event|course)\w*",
        r"(?:join|register\s+for)\s+(?:our|the|us\s+for)\s+(?:\w+\s+)?(?:webinar|event|course|"
        r"community|party)\w*",
        r"refer\s+a\s+(?:friend|colleague)\b",
        r"win\s+(?:a|an|one|two|prizes|\d+)\b",
        r"(?:prize\s+draw|sweepstakes?|lottery)\b",
        r"(?:discover|explore)\s+(?:our|the\s+new|how|what['’]s\s+new|new|more)\b",
        r"try\s+(?:our|the\s+new|it\s+today|it\s+now)\b",
        r"check\s+out\s+(?:our|the\s+new|what)\b",
        r"follow\s+us\b",
        r"(?:we\s+celebrate|celebrate\s+with\s+us|we(?:['’]re|\s+are)\s+celebrating)\b",
        r"introducing\s+(?:our|the)\s+new\b",
    ),
    rule(PRICE, *_MONEY, priced=True),
    _SIGNS,
)

# Advertisers here write half in English; the English do not write Norwegian.
LEXICON: dict[str, tuple[Rule, ...]] = {"nb": (*NORWEGIAN, *ENGLISH), "en": ENGLISH}
# Where a sober statement of money is what the announcement is about.
ABOUT_MONEY = ("billing", "terms")
