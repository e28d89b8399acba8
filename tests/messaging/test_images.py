"""Pictures: drawn anew, kept once, the same for every reader, and gone only when unused."""

import os
import resource
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from PIL import Image, PngImagePlugin

from messaging import images
from messaging.images import (
    RefusedPicture,
    address_of,
    draw,
    markdown_of,
    named_in,
    store_picture,
)
from messaging.models import MailImage
from messaging.policy import PICTURE_STORED_BYTES, PICTURE_UPLOAD_BYTES
from tests.factories import make_picture


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """What is refused is said in the reader's language; here that is English."""
    with translation.override("en"):
        yield


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def photograph(width: int = 400, height: int = 300) -> Image.Image:
    return Image.effect_noise((width, height), 40).convert("RGB")


# --- drawing ---------------------------------------------------------------------------------


def with_traces() -> bytes:
    """As a phone takes it: turned, with its position, its owner and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = "Kari Nordmann"
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 54.0, 40.0)})
    return encoded(photograph(), "JPEG", exif=exif, comment=b"at home with Kari")


TRACES = with_traces()


def test_nothing_of_the_upload_but_its_pixels_is_kept() -> None:
    before = TRACES
    assert b"Kari" in before
    drawn = draw(before)
    picture = opened(drawn.data)
    assert b"Kari" not in drawn.data
    assert not picture.getexif()
    assert not {"exif", "comment", "icc_profile"} & picture.info.keys()
    # It was turned, and stands upright without the note that said so.
    assert picture.size == (drawn.width, drawn.height) == (300, 400)


def test_texts_inside_a_png_are_not_kept() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "Kari Nordmann")
    notes.add_itxt("Location", "59.91, 10.75", zip=True)
    before = encoded(Image.new("RGB", (20, 20), "green"), "PNG", pnginfo=notes)
    drawn = draw(before)
    assert opened(drawn.data).info == {}


@pytest.mark.parametrize(
    ("form", "mode", "kept_as"),
    [
        ("PNG", "RGB", "image/png"),
        ("PNG", "RGBA", "image/png"),
        ("PNG", "P", "image/png"),
        ("PNG", "L", "image/png"),
        ("PNG", "I;16", "image/png"),
        ("GIF", "P", "image/png"),
        ("JPEG", "RGB", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("WEBP", "RGB", "image/jpeg"),
    ],
)
def test_every_form_becomes_one_that_mail_programs_show(form: str, mode: str, kept_as: str) -> None:
    drawn = draw(encoded(Image.new(mode, (30, 20)), form))
    assert drawn.content_type == kept_as
    assert opened(drawn.data).format == kept_as.removeprefix("image/").upper()


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_shines_through_still_does(form: str) -> None:
    half = Image.new("RGBA", (30, 20), (10, 20, 30, 128))
    drawn = draw(encoded(half, form, **({"lossless": True} if form == "WEBP" else {})))
    assert drawn.content_type == "image/png"
    assert opened(drawn.data).getpixel((5, 5)) == (10, 20, 30, 128)


def test_of_an_animation_the_first_picture_is_kept() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    drawn = draw(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    picture = opened(drawn.data)
    assert getattr(picture, "n_frames", 1) == 1
    assert picture.convert("RGB").getpixel((1, 1)) == (255, 0, 0)


@pytest.mark.parametrize(("width", "becomes"), [(1200, (1200, 600)), (2400, (1200, 600))])
def test_a_picture_is_at_most_1200_pixels_wide(width: int, becomes: tuple[int, int]) -> None:
    drawn = draw(encoded(Image.new("RGB", (width, width // 2), "green"), "PNG"))
    assert (drawn.width, drawn.height) == becomes


def test_a_photograph_that_came_as_png_is_kept_as_jpeg() -> None:
    drawn = draw(encoded(photograph(900, 700), "PNG"))
    assert drawn.content_type == "image/jpeg"
    assert len(drawn.data) < PICTURE_STORED_BYTES


# --- what is refused -------------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge, with almost nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(50_000, 50_000), (10_000, 5_000), (100_000, 1_000)])
def test_a_picture_that_unpacks_to_gigabytes_is_refused_unread(size: tuple[int, int]) -> None:
    with pytest.raises(RefusedPicture, match="million pixels"):
        draw(bomb(*size))


def test_a_picture_that_would_be_a_scroll_is_refused() -> None:
    with pytest.raises(RefusedPicture, match="4001 pixels tall"):
        draw(encoded(Image.new("L", (60, 4001)), "PNG"))
    assert draw(encoded(Image.new("L", (60, 4000)), "PNG")).height == 4000
    # It lies in the file, and is as tall as that only upright.
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(RefusedPicture, match="pixels tall"):
        draw(encoded(Image.new("L", (4001, 60)), "JPEG", exif=exif))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK"])
def test_drawing_takes_a_fraction_of_what_it_could(mode: str) -> None:
    """Sixteen million pixels, in a process that may have 200 MB more than it has."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    data = encoded(Image.new(mode, (4000, 4000)), form)
    if (child := os.fork()) == 0:
        try:
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + 200_000_000,) * 2)
            drawn = draw(data)
            os._exit(0 if (drawn.width, drawn.height) == (1200, 1200) else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_one_picture_is_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    plain = images._drawn

    def look(data: bytes) -> images.Drawn:
        inside.append(images._drawing.locked())
        return plain(data)

    monkeypatch.setattr(images, "_drawn", look)
    draw(encoded(photograph(), "PNG"))
    assert inside == [True]
    assert not images._drawing.locked()


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(RefusedPicture, match="larger than 8 MB"):
        draw(b"\x89PNG" + b"\0" * PICTURE_UPLOAD_BYTES)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7",
        bomb(30, 20)[:40],
        TRACES[:500],
        encoded(Image.new("RGB", (30, 20)), "TIFF"),
        encoded(Image.new("RGB", (30, 20)), "BMP"),
    ],
)
def test_what_is_no_picture_of_the_four_kinds_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedPicture, match="PNG, JPEG, GIF or WebP"):
        draw(data)


@pytest.mark.slow
def test_what_stays_heavy_is_refused() -> None:
    noise = Image.merge("RGBA", [Image.effect_noise((900, 900), 120) for _band in range(4)])
    with pytest.raises(RefusedPicture, match="Crop it"):
        draw(encoded(noise, "PNG"))


# --- keeping ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_picture_twice_is_the_same_row() -> None:
    drawn = draw(TRACES)
    first, is_new = store_picture(drawn, name="A", actor=None)
    again, is_new_again = store_picture(draw(TRACES), name="B", actor=None)
    assert (is_new, is_new_again) == (True, False)
    assert first.pk == again.pk
    assert again.name == "A"
    assert MailImage.objects.count() == 1


@pytest.mark.django_db
def test_the_line_to_paste_names_it_whatever_it_is_called() -> None:
    image = make_picture("A [field] {first_name}")
    assert markdown_of(image).startswith(r"![A \[field\] \{first_name\}](picture:")
    (prefix,) = named_in(markdown_of(image))
    assert image.digest.startswith(prefix)


# --- the address -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_picture_is_served_to_everybody_alike_and_for_ever(client: Client) -> None:
    image = make_picture()
    answer = client.get(address_of(image))
    assert answer.content == bytes(image.data)
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["ETag"] == f'"{image.digest}"'
    assert {"public", "immutable", "max-age=31536000"} <= set(answer["Cache-Control"].split(", "))
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")
    again = client.get(address_of(image), headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["extension", "digest", "prefix", "gone"])
def test_any_other_address_is_no_picture(client: Client, wrong: str) -> None:
    image = make_picture()
    digest, extension = image.digest, "png"
    if wrong == "extension":
        extension = "jpg"
    elif wrong == "digest":
        digest = "0" * 64
    elif wrong == "prefix":
        digest = digest[:12]
    else:
        image.delete()
    address = reverse("mail_image", kwargs={"digest": digest, "extension": extension})
    assert client.get(address).status_code == 404
    answer = client.get(address, headers={"if-none-match": f'"{digest}"'})
    assert answer.status_code == 404


@pytest.mark.django_db
def test_a_picture_is_only_looked_at(client: Client) -> None:
    assert client.post(address_of(make_picture())).status_code == 405
