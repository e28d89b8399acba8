"""The authority that hears complaints, by the company of ours that somebody deals with.

GDPR art. 12 (4): whoever is refused is told where they may complain. Art. 77 (1) lets them choose
the authority of where they live, so a mail names ours and says that.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Authority:
    name: str
    address: str
    web: str


DATATILSYNET: Final = Authority(
    "Datatilsynet", "Postboks 458 Sentrum, 0105 Oslo", "https://www.datatilsynet.no"
)

# By the name of a company in LEGAL_ENTITIES: `no`, `au`; `au-2` is the same country's.
AUTHORITIES: Final[dict[str, Authority]] = {
    "no": DATATILSYNET,
    "au": Authority(
        "Office of the Australian Information Commissioner (OAIC)",
        "GPO Box 5288, Sydney NSW 2001",
        "https://www.oaic.gov.au",
    ),
    "gb": Authority(
        "Information Commissioner's Office (ICO)",
        "Wycliffe House, Water Lane, Wilmslow SK9 5AF",
        "https://ico.org.uk",
    ),
    "se": Authority(
        "Integritetsskyddsmyndigheten (IMY)", "Box 8114, 104 20 Stockholm", "https://www.imy.se"
    ),
    "dk": Authority(
        "Datatilsynet (Danmark)", "Carl Jacobsens Vej 35, 2500 Valby", "https://www.datatilsynet.dk"
    ),
}


def authority_for(legal_entity: str) -> Authority:
    """Datatilsynet where a company is unknown here: we are a Norwegian one."""
    return AUTHORITIES.get(legal_entity.partition("-")[0], DATATILSYNET)
