"""Who the made-up customers are: reserved domains, and telephone numbers kept free for fiction."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """Names of one country; telephone numbers where its authority keeps some free for fiction."""

    code: str
    language: str
    timezone: str
    first_names: str
    last_names: str
    phones: tuple[str, int] = ("", 0)


@dataclass(frozen=True, slots=True)
class Company:
    name: str
    domain: str
    land: Land


NORWAY = Land(
    code="NO",
    language="nb",
    timezone="Europe/Oslo",
    first_names=(
        "Ingrid Ola Solveig Lars Åse Bjørn Marit Håkon Silje Øyvind Randi Torbjørn "
        "Hanne Eirik Gunn Sigurd Tuva Magnus Ragnhild Jørgen Nora Aslak Liv Kjetil "
        "Berit Emil Ane Sverre"
    ),
    last_names=(
        "Haugen Lien Berg Strand Moen Aas Solberg Bakken Dahl Eide Fjeld Øverland Lunde "
        "Næss Brekke Rønning Sæther Vik Myhre Tangen"
    ),
)
DENMARK = Land(
    code="DK",
    language="en",
    timezone="Europe/Copenhagen",
    first_names="Mette Søren Freja Niels Pernille Anders",
    last_names="Bech Kjær Østergaard Holm Schou",
)
SWEDEN = Land(
    code="SE",
    language="en",
    timezone="Europe/Stockholm",
    first_names="Elin Göran Åsa Nils Maja",
    last_names="Lindqvist Åkesson Björk Sandström",
    # Post- och telestyrelsen keeps 070-174 06 05 to 06 99 free.
    phones=("+46701740{:03d}", 605),
)
BRITAIN = Land(
    code="GB",
    language="en",
    timezone="Europe/London",
    first_names="Alice Owen Priya Thomas",
    last_names="Hughes Marsh Whitfield",
    # Ofcom keeps 07700 900000 to 900999 free.
    phones=("+447700900{:03d}", 100),
)

COMPANIES = (
    Company("Havbris Seilskole", "havbris.example", NORWAY),
    Company("Nordlys Butikk AS", "nordlys-butikk.example", NORWAY),
    Company("Solberg Bakeri", "solberg-bakeri.example", NORWAY),
    Company("Fjellro Hytteutleie", "fjellro.example", NORWAY),
    Company("Østlandet Sykkelverksted", "sykkelverksted.test", NORWAY),
    Company("Tannlegene på Torget", "tannlegene-torget.example", NORWAY),
    Company("Vestland Hageservice ANS", "hageservice.test", NORWAY),
    Company("Bokkaféen Lysning", "lysning.example", NORWAY),
    Company("Schou Møbler ApS", "schou-moebler.example", DENMARK),
    Company("Åkesson & Döttrar AB", "akesson.example", SWEDEN),
    Company("Whitfield Garden Centre", "whitfield.test", BRITAIN),
)
