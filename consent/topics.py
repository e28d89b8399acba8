"""The topics the policy names, and finding the one a link names."""

import uuid

from django.db import transaction

from consent.models import Topic, TopicWording

# "Etablerte brukere vil av og til motta informasjon om produkter, tjenester, spesialtilbud
# samt et nyhetsbrev" (policy, "Spesialtilbud").
DEFAULT_TOPICS: tuple[tuple[int, str, str, tuple[str, str], tuple[str, str]], ...] = (
    (
        1,
        "newsletter",
        Topic.Kind.MAIL,
        ("Nyhetsbrev", "Newsletter"),
        (
            "Omtrent en gang i måneden: hva som skjer hos oss og i bransjen.",
            "About once a month: what happens at ClickSend and in the trade.",
        ),
    ),
    (
        2,
        "product_news",
        Topic.Kind.MAIL,
        ("Produktnyheter", "Product news"),
        (
            "Når noe du bruker blir endret eller forbedret, 3–6 ganger i året.",
            "When something you use changes or gets better, 3–6 times a year.",
        ),
    ),
    (
        3,
        "special_offers",
        Topic.Kind.MAIL,
        ("Spesialtilbud", "Special offers"),
        (
            "Rabatter og kampanjer, høyst to i kvartalet.",
            "Discounts and campaigns, at most two a quarter.",
        ),
    ),
    # "Demografiske data … kan brukes til å tilpasse nettstedet eller e-post du har bedt om"
    # (policy): a choice of its own, no kind of mail, so that no "no to all" or "yes" reaches it.
    (
        201,
        "tailoring",
        Topic.Kind.TAILORING,
        ("Tilpasning etter profilen din", "Tailoring to your profile"),
        (
            (
                "Vi kan velge hva sidene våre og e-post du har bedt om, viser deg, etter land, "
                "språk og firma i profilen din. Aldri etter hvordan du bruker tjenesten, og det "
                "gir deg aldri mer e-post."
            ),
            (
                "We may choose what our pages and the email you asked for show you by the "
                "country, language and company in your profile. Never by how you use the "
                "service, and it never brings you more email."
            ),
        ),
    ),
    # "bruk av navn, logo, sitater, suksesshistorier, casestudier, ROI-casestudier og salgssamtale"
    # (policy, "Kundehenvisningsprogram"): asked one by one.
    (
        101,
        "reference_name",
        Topic.Kind.REFERENCE,
        ("Navnet ditt som kunde", "Your name as a customer"),
        (
            "Vi nevner firmaet ditt som kunde på nettsidene våre og i presentasjoner.",
            "We name your company as a customer on our pages and in presentations.",
        ),
    ),
    (
        102,
        "reference_logo",
        Topic.Kind.REFERENCE,
        ("Logo", "Logo"),
        (
            "Vi viser logoen deres blant kundene våre.",
            "We show your logo among our customers.",
        ),
    ),
    (
        103,
        "reference_quote",
        Topic.Kind.REFERENCE,
        ("Sitat", "Quote"),
        (
            "Vi gjengir noe du har sagt, i en ordlyd du har godkjent.",
            "We print something you said, in words you approved.",
        ),
    ),
    (
        104,
        "reference_success_story",
        Topic.Kind.REFERENCE,
        ("Suksesshistorie", "Success story"),
        (
            "Vi forteller kort hva dere har fått til, i en tekst du har godkjent.",
            "We tell briefly what you achieved, in a text you approved.",
        ),
    ),
    (
        105,
        "reference_case_study",
        Topic.Kind.REFERENCE,
        ("Casestudie", "Case study"),
        (
            "Vi beskriver grundig hvordan dere bruker tjenesten, i en tekst du har godkjent.",
            "We describe in depth how you use the service, in a text you approved.",
        ),
    ),
    (
        106,
        "reference_roi_case_study",
        Topic.Kind.REFERENCE,
        ("ROI-casestudie", "ROI case study"),
        (
            "Som en casestudie, med tall for hva dere har spart eller tjent.",
            "Like a case study, with figures of what you saved or earned.",
        ),
    ),
    (
        107,
        "reference_sales_call",
        Topic.Kind.REFERENCE,
        ("Salgssamtale", "Sales call"),
        (
            "En mulig kunde får snakke med deg. Vi spør hver gang.",
            "A possible customer talks to you. We ask each time.",
        ),
    ),
)


TAILORING = "tailoring"

# Topics are few and their numbers are never used again, so links need no query to find them; one
# that another process added since is unknown here and looked up.
_ids: dict[int, uuid.UUID] = {}


def topic_id(number: int) -> uuid.UUID | None:
    """The topic a link names."""
    if number not in _ids:
        _ids.update(Topic.objects.values_list("number", "id"))
    return _ids.get(number)


@transaction.atomic
def ensure_default_topics() -> None:
    _ids.clear()
    for number, slug, kind, names, descriptions in DEFAULT_TOPICS:
        topic, created = Topic.objects.get_or_create(
            slug=slug, defaults={"number": number, "position": number, "kind": kind}
        )
        if created:
            TopicWording.objects.create(
                topic=topic,
                version=1,
                name_nb=names[0],
                name_en=names[1],
                description_nb=descriptions[0],
                description_en=descriptions[1],
            )
