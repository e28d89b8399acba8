"""Which column of a file is which field of a contact, guessed from its name or what stands in it.

The customer sees the guess and decides.
"""

from collections.abc import Sequence
from typing import Final

from messaging.content.phones import looks_like_number

# The fields of a contact that a file may fill, in the order a form and an export show them.
FIELDS: Final = (
    "phone_number",
    "email",
    "first_name",
    "last_name",
    "organization_name",
    "custom_1",
    "custom_2",
    "custom_3",
    "custom_4",
    "address_line_1",
    "address_line_2",
    "address_city",
    "address_state",
    "address_postal_code",
    "address_country",
)

# As they stand in files of Norwegians, Swedes, Danes and the English, and of ClickSend itself;
# letters and digits only.
_NAMES: Final = {
    "phone_number": "phonenumber phone mobile mobilephone cell cellphone msisdn number sms "
    "telefon telefonnummer tlf tlfnr mobil mobilnummer mobiltelefon mobilnr nummer",
    "email": "email emailaddress mail epost epostadresse eadresse emailadresse mailadresse",
    "first_name": "firstname givenname forename fornavn förnamn name navn namn",
    "last_name": "lastname surname familyname etternavn efternavn efternamn",
    "organization_name": "organizationname organisationname organization organisation company "
    "companyname firma bedrift selskap organisasjon företag virksomhet",
    "custom_1": "custom1",
    "custom_2": "custom2",
    "custom_3": "custom3",
    "custom_4": "custom4",
    "address_line_1": "addressline1 address street streetaddress adresse gateadresse adress gate",
    "address_line_2": "addressline2 adresse2 address2",
    "address_city": "addresscity city town by sted poststed stad ort",
    "address_state": "addressstate state region county fylke",
    "address_postal_code": "addresspostalcode postalcode postcode zip zipcode postnummer postnr",
    "address_country": "addresscountry country land countrycode landkode",
}
_FIELD_OF: Final = {name: field for field, names in _NAMES.items() for name in names.split()}


def plain(name: str) -> str:
    """`E-post adresse:` as `epostadresse`."""
    return "".join(character for character in name.casefold() if character.isalnum())


def guess_mapping(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """Column places by field; each field once, so a second telephone column is left to people."""
    mapping: dict[str, str] = {}
    for place, name in enumerate(header):
        field = _FIELD_OF.get(plain(name))
        if field and field not in mapping.values():
            mapping[str(place)] = field
    width = max((len(row) for row in rows), default=0)
    for field, fits in (("email", _is_address), ("phone_number", looks_like_number)):
        if field in mapping.values():
            continue
        for place in range(width):
            cells = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
            known = str(place) in mapping
            if cells and not known and 2 * sum(map(fits, cells)) > len(cells):
                mapping[str(place)] = field
                break
    return mapping


def guess_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: it holds words, no number and no address."""
    if not rows:
        return False
    cells = [cell.strip() for cell in rows[0] if cell.strip()]
    return bool(cells) and not any(_is_address(cell) or looks_like_number(cell) for cell in cells)


def _is_address(value: str) -> bool:
    return "@" in value
