"""What the made-up company is about to write."""

from typing import Any

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "newsletter": {
        "subject_nb": "Desember hos ClickSend: roligere utsendinger og nye maler",
        "subject_en": "December at ClickSend: calmer sending and new templates",
        "preheader_nb": "Tre ting som er nye, og én som er borte.",
        "preheader_en": "Three things that are new, and one that is gone.",
        "body_nb": (
            "# Desember hos ClickSend\n\n"
            "Det er mange som skriver til kundene sine før jul. Derfor har vi gjort det lettere å "
            "se hva som går ut, og når.\n\n"
            "## Nytt\n\n"
            "- **Utsendingsplanen** viser alle planlagte utsendinger i en uke.\n"
            "- **Maler** kan deles i teamet.\n"
            "- **Fakturaene** ligger samlet, også de eldre.\n\n"
            "Spør oss gjerne, på telefon eller e-post, som du selv vil.\n"
        ),
        "body_en": (
            "# December at ClickSend\n\n"
            "Many of you write to your customers before Christmas. So we made it easier to see "
            "what goes out, and when.\n\n"
            "## New\n\n"
            "- **The sending plan** shows everything planned for a week.\n"
            "- **Templates** can be shared in the team.\n"
            "- **Invoices** are in one place, older ones too.\n\n"
            "Ask us, by phone or e-mail, as you prefer.\n"
        ),
    },
    "special_offers": {
        "subject_nb": "Januartilbud: 20 % på SMS til og med den 31.",
        "subject_en": "January offer: 20% off SMS until the 31st",
        "preheader_nb": "Gjelder alle norske, svenske og danske numre.",
        "preheader_en": "For all Norwegian, Swedish and Danish numbers.",
        "body_nb": "Hele januar koster SMS 20 % mindre. Du trenger ingen kode.\n",
        "body_en": "All January SMS costs 20% less. You need no code.\n",
    },
}
ANNOUNCEMENT: dict[str, Any] = {
    "category": "maintenance",
    "subject_nb": "Vedlikehold natt til søndag 6. desember",
    "subject_en": "Maintenance on the night to Sunday 6 December",
    "body_nb": (
        "Natt til søndag 6. desember, fra kl. 02 til kl. 03, flytter vi til nye maskiner.\n\n"
        "Meldinger du sender da, blir liggende i kø og går ut rett etterpå. Du trenger ikke "
        "gjøre noe.\n"
    ),
    "body_en": (
        "In the night to Sunday 6 December, from 02:00 to 03:00 Oslo time, we move to new "
        "machines.\n\n"
        "Messages you send then wait in the queue and go out right after. You need not do "
        "anything.\n"
    ),
}

SEGMENT = "Norske kunder"
STANDING_TEXT = {
    "category": "incident",
    "subject_nb": "Meldinger kommer sent frem",
    "subject_en": "Messages are delayed",
    "preheader_nb": "Vi arbeider med saken. Ingen meldinger går tapt.",
    "preheader_en": "We are working on it. No message is lost.",
    "body_nb": (
        "Meldinger som sendes nå, kommer sent frem. Ingen går tapt: de ligger i kø og går ut så "
        "snart feilen er rettet.\n\n"
        "Du trenger ikke gjøre noe. Vi skriver igjen når alt går som det skal.\n"
    ),
    "body_en": (
        "Messages sent now arrive late. None is lost: they wait in the queue and go out as soon "
        "as the fault is mended.\n\n"
        "You need not do anything. We write again when everything works as it should.\n"
    ),
}
