"""Where the embedded PostgreSQL is, whether it runs or not: for the commands of a backup.

`python -m clicksend_portal.run.places data | socket | programs`.
"""

import sys

from clicksend_portal.embedded.folders import socket_folder, wheel_folder
from clicksend_portal.embedded.postgres import PROGRAMS, WHEEL
from clicksend_portal.run.profile import data_folder, given_settings


def main(name: str) -> None:
    folder = data_folder(given_settings())
    places = {
        "data": folder,
        "socket": socket_folder(folder),
        "programs": wheel_folder(WHEEL) / PROGRAMS,
    }
    sys.stdout.write(f"{places[name]}\n")


if __name__ == "__main__":
    main(sys.argv[1])
