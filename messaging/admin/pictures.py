"""Pictures for mails: upload, look, and the line to paste."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from foundation.staff import BaseAdmin, shown
from messaging.images import (
    Drawn,
    RefusedPicture,
    address_of,
    draw_upload,
    markdown_of,
    store_picture,
    uses_of,
)
from messaging.models import MailImage

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[MailImage]
else:
    BaseForm = forms.ModelForm


class PictureForm(BaseForm):
    class Meta:
        model = MailImage
        fields = ("name",)
        labels = {"name": gettext_lazy("What it shows")}
        help_texts = {
            "name": gettext_lazy(
                "Read aloud or shown in place of the picture to those who do not see it. "
                "You can word it otherwise in each email."
            )
        }


class UploadForm(PictureForm):
    file = forms.FileField(
        label=gettext_lazy("picture"),
        help_text=gettext_lazy(
            "PNG, JPEG, GIF or WebP, up to 8 MB. It is drawn anew, at most 1,200 pixels wide; "
            "where and with what it was taken is not kept, nor is any movement."
        ),
        widget=forms.ClearableFileInput(
            attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}
        ),
    )
    drawn: Drawn

    def clean_file(self) -> "UploadedFile[Any]":
        upload = cast("UploadedFile[Any]", self.cleaned_data["file"])
        try:
            self.drawn = draw_upload(upload)
        except RefusedPicture as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return upload


@admin.register(MailImage)
class MailImageAdmin(BaseAdmin):
    actions = None
    list_display = ("small", "name", "measure", "its_uploaded_at")
    list_display_links = ("small", "name")
    search_fields = ("name",)
    its_uploaded_at = shown("uploaded_at", gettext_lazy("uploaded"))
    readonly_fields = ("large", "paste", "measure", "its_uploaded_at", "used_in")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = UploadForm if obj is None else PictureForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("file", "name") if obj is None else ("large", "name", *self.readonly_fields[1:])

    def get_queryset(self, request: HttpRequest) -> Any:
        """The pictures themselves come by their own address."""
        return super().get_queryset(request).defer("data")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was approved goes out as it was read; what was sent, its readers still fetch."""
        if obj is not None and next(uses_of(obj, only_settled=True), None):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name"])
            return
        stored, is_new = store_picture(form.drawn, name=obj.name, actor=cast("User", request.user))
        obj.pk, obj.digest, obj.name = stored.pk, stored.digest, stored.name
        if not is_new:
            messages.info(request, _("This picture was here already; it is kept once."))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> Any:
        """On to the page with the line to paste."""
        if not {"_addanother", "_popup"} & request.POST.keys():
            post = request.POST.copy()
            post["_continue"] = "1"
            request.POST = post  # type: ignore[assignment]
        return super().response_add(request, obj, post_url_continue)

    @admin.display(description=gettext_lazy("picture"))
    def small(self, image: MailImage) -> SafeString:
        return _picture(image, "portal-picture small")

    @admin.display(description=gettext_lazy("picture"))
    def large(self, image: MailImage) -> SafeString:
        return _picture(image, "portal-picture")

    @admin.display(description=gettext_lazy("paste into the text"))
    def paste(self, image: MailImage) -> SafeString:
        return format_html('<code class="portal-paste">{}</code>', markdown_of(image))

    @admin.display(description=gettext_lazy("size"))
    def measure(self, image: MailImage) -> str:
        return _("%(width)d × %(height)d pixels, %(size)d kB") % {
            "width": image.width,
            "height": image.height,
            "size": max(1, round(image.size / 1000)),
        }

    @admin.display(description=gettext_lazy("used in"))
    def used_in(self, image: MailImage) -> str:
        return ", ".join(str(mailing) for mailing in uses_of(image)) or _("no email yet")


def _picture(image: MailImage, style: str) -> SafeString:
    return format_html(
        '<img class="{}" src="{}" alt="{}" width="{}" height="{}">',
        style,
        address_of(image),
        image.name,
        image.width,
        image.height,
    )
