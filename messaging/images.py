"""Pictures for mails: drawn anew, so that nothing of the upload but its pixels is kept.

The bytes of a stranger are read by one library, in four formats, after its header has said how
many pixels there would be. Position, camera, thumbnails, colour profile and comments of the
original stay behind (`ip-apart`, `gone-when-needless`: a photograph tells where it was taken).
One address serves every reader, so a picture that is loaded tells nobody who opened what.
"""

import hashlib
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps

from accounts.models import User
from messaging.models import Campaign, MailImage, Mailing, ServiceAnnouncement
from messaging.policy import (
    PICTURE_HEIGHT,
    PICTURE_PNG_BYTES,
    PICTURE_STORED_BYTES,
    PICTURE_UPLOAD_BYTES,
    PICTURE_UPLOAD_PIXELS,
    PICTURE_WIDTH,
)

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# Mail programs lack WebP; both of these every one of them shows.
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg"}
MEGABYTE = 1_000_000
_ORIENTATION = 0x0112
# One at a time in a process: a few kilobytes may unpack to more than a hundred megabytes.
_drawing = threading.Lock()

# As long as no two pictures share so much of their digest; the whole of it always names one.
PREFIX_LENGTH = 12
_USED = re.compile(rf"picture:([0-9a-f]{{{PREFIX_LENGTH},64}})")


class RefusedPicture(ValueError):
    """This upload cannot be a picture in a mail; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it is stored and served."""

    data: bytes
    content_type: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def draw(data: bytes) -> Drawn:
    """The same picture without anything else, at most 1200 px wide; raises `RefusedPicture`.

    Of an animation the first frame is kept: mails of ours do not move.
    """
    if len(data) > PICTURE_UPLOAD_BYTES:
        raise RefusedPicture(
            _("The file is larger than %(limit)d MB. Save it smaller and try again.")
            % {"limit": PICTURE_UPLOAD_BYTES // MEGABYTE}
        )
    try:
        with (
            _drawing,
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
        ):
            return _drawn(data)
    except RefusedPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    # A broken file may fail anywhere in a decoder, each with an error of its own.
    except Exception as error:
        raise RefusedPicture(
            _("This file cannot be read as a picture. Use PNG, JPEG, GIF or WebP.")
        ) from error


def _drawn(data: bytes) -> Drawn:
    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > PICTURE_UPLOAD_PIXELS:
            raise _too_many_pixels()
        is_photograph = opened.format in ("JPEG", "WEBP")
        opened.seek(0)
        picture = _in_plain_colours(_upright(_smaller(opened)))
    encoded, content_type = _encoded(picture, is_photograph=is_photograph)
    if len(encoded) > PICTURE_STORED_BYTES:
        raise RefusedPicture(
            _("Even drawn smaller the picture weighs %(size).1f MB; a mail should not. Crop it.")
            % {"size": len(encoded) / MEGABYTE}
        )
    return Drawn(encoded, content_type, picture.width, picture.height)


def _smaller(opened: Image.Image) -> Image.Image:
    """First of all: whatever follows then costs a fraction of what the upload unpacks to."""
    lies = opened.getexif().get(_ORIENTATION, 1) >= 5
    width, height = (opened.height, opened.width) if lies else opened.size
    drawn_width = min(width, PICTURE_WIDTH)
    drawn_height = max(1, round(height * drawn_width / width))
    if drawn_height > PICTURE_HEIGHT:
        raise RefusedPicture(
            _("The picture would be %(height)d pixels tall, of at most %(limit)d. Crop it.")
            % {"height": drawn_height, "limit": PICTURE_HEIGHT}
        )
    if drawn_width == width:
        return opened
    size = (drawn_height, drawn_width) if lies else (drawn_width, drawn_height)
    # JPEG unpacks to a half, a quarter or an eighth by itself.
    opened.draft(None, (2 * size[0], 2 * size[1]))
    # Colours out of a list, or one that means “nothing”, cannot be mixed.
    if opened.mode in ("1", "P", "PA") or "transparency" in opened.info:
        plain = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
        return plain.resize(size, Image.Resampling.LANCZOS)
    return opened.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _upright(picture: Image.Image) -> Image.Image:
    turned: Image.Image = ImageOps.exif_transpose(picture)
    return turned


def _in_plain_colours(picture: Image.Image) -> Image.Image:
    """RGB, or RGBA where something shines through; colours as every screen understands them."""
    is_clear = picture.has_transparency_data
    profile = picture.info.get("icc_profile")
    plain = picture.convert("RGBA" if is_clear else "RGB")
    if profile and picture.mode in ("RGB", "RGBA"):
        # A profile that cannot be read is a profile we do without.
        with suppress(ImageCms.PyCMSError, OSError):
            ImageCms.profileToProfile(
                plain,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                inPlace=True,
            )
    # A copy of the pixels alone: whatever the original carried is not in it.
    copy = Image.new(plain.mode, plain.size)
    copy.paste(plain)
    if copy.mode == "RGBA" and copy.getchannel("A").getextrema() == (255, 255):
        return copy.convert("RGB")
    return copy


def _encoded(picture: Image.Image, *, is_photograph: bool) -> tuple[bytes, str]:
    png = BytesIO()
    if picture.mode == "RGBA" or not is_photograph:
        picture.save(png, "PNG", optimize=True)
        if picture.mode == "RGBA" or png.tell() <= PICTURE_PNG_BYTES:
            return png.getvalue(), "image/png"
    jpeg = BytesIO()
    picture.save(jpeg, "JPEG", quality=85, optimize=True, progressive=True)
    return jpeg.getvalue(), "image/jpeg"


def _too_many_pixels() -> RefusedPicture:
    return RefusedPicture(
        _("The picture has more than %(limit)d million pixels. Save it smaller and try again.")
        % {"limit": PICTURE_UPLOAD_PIXELS // MEGABYTE}
    )


def draw_upload(upload: "UploadedFile[Any]") -> Drawn:
    """One byte more than allowed is enough to refuse it; the rest is never held in memory."""
    return draw(upload.read(PICTURE_UPLOAD_BYTES + 1))


def store_picture(drawn: Drawn, *, name: str, actor: User | None) -> tuple[MailImage, bool]:
    """The row of this picture, and whether it is new: the same picture twice is the same row."""
    if found := MailImage.objects.filter(digest=drawn.digest).first():
        return found, False
    row = MailImage(
        digest=drawn.digest,
        name=name,
        content_type=drawn.content_type,
        width=drawn.width,
        height=drawn.height,
        size=len(drawn.data),
        data=drawn.data,
        uploaded_by=actor,
    )
    # Two uploads in one moment meet the constraint.
    MailImage.objects.bulk_create([row], ignore_conflicts=True)
    return MailImage.objects.get(digest=drawn.digest), True


def address_of(image: MailImage) -> str:
    """Its path; the mails put the portal's own name before it."""
    extension = EXTENSIONS[image.content_type]
    return reverse("mail_image", kwargs={"digest": image.digest, "extension": extension})


def markdown_of(image: MailImage) -> str:
    """What is pasted into a text; the words in brackets are for those who see no pictures."""
    words = re.sub(r"([\\[\]{}])", r"\\\1", image.name)
    return f"![{words}](picture:{image.digest[:PREFIX_LENGTH]})"


def named_in(text: str) -> set[str]:
    """The beginnings of digests a text names."""
    return set(_USED.findall(text))


# Its words are settled: they were approved, or went out.
SETTLED = Q(state__in=(Mailing.State.APPROVED, Mailing.State.SENDING, Mailing.State.PAUSED)) | Q(
    resolved_at__isnull=False
)


def uses_of(image: MailImage, *, only_settled: bool = False) -> Iterator[Mailing]:
    """Mailings whose text names the picture; few mailings have any, so each is read."""
    for model in (Campaign, ServiceAnnouncement):
        mailings: QuerySet[Mailing] = model.objects.filter(
            Q(body_nb__contains="picture:") | Q(body_en__contains="picture:")
        )
        if only_settled:
            mailings = mailings.filter(SETTLED)
        for mailing in mailings.iterator(chunk_size=200):
            named = named_in(mailing.body_nb) | named_in(mailing.body_en)
            if any(image.digest.startswith(prefix) for prefix in named):
                yield mailing
