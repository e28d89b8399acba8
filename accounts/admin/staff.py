"""Staff accounts as administrators of roles see them: invited, confirmed each year, ended.

Nothing is edited in a form of Django's: the services behind the buttons are the only way, and the
database asks of each whether another administrator stands behind it (accounts/0008).
"""

import uuid
from typing import Any, ClassVar, cast

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import StaffAccount, StaffConfirmation, StaffInvitation, User
from accounts.policy import CONFIRMED_FOR
from accounts.staff.confirming import confirm, due_for_confirmation
from accounts.staff.forms import ConfirmForm, InviteForm
from accounts.staff.inviting import invite, open_invitations, withdraw
from accounts.staff.leaving import end_account
from accounts.staff.refusals import StaffRefusedError
from accounts.staff.standing import cap, in_order, newest_confirmation, roles_of, staff_accounts
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList, shown

ACCOUNTS, INVITATIONS = "admin:accounts_staffaccount", "admin:accounts_staffinvitation"
STRONG = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def named(roles: Any) -> str:
    return ", ".join(str(role.label) for role in in_order(roles)) or "–"


@admin.register(StaffAccount)
class StaffAccountAdmin(ReadOnlyAdmin):
    change_form_template = "admin/accounts/staffaccount/change_form.html"
    list_display = ("username", "full_name", "roles", "works_until", "second_factor", "in_force")
    list_filter: ClassVar[Any] = ("is_active",)
    search_fields = ("username", "email")
    ordering = ("-is_active", "username")
    fields = ("username", "full_name", "email", "roles", "works_until", "second_factor", "began")
    readonly_fields = fields
    began = shown("signed_up_at", gettext_lazy("since"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffAccount]:
        """Those of today, and those that have ended until they are deleted."""
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=STRONG)
        confirmed = StaffConfirmation.objects.filter(person=OuterRef("pk"))
        found: QuerySet[StaffAccount] = StaffAccount.objects.filter(
            Q(is_staff=True) | Exists(confirmed)
        )
        return found.annotate(has_factor=Exists(factors)).prefetch_related("groups")

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, person: User) -> str:
        return named(roles_of(person))

    @admin.display(description=gettext_lazy("confirmed until"))
    def works_until(self, person: User) -> str:
        newest = newest_confirmation(person)
        if newest is None or not person.is_staff:
            return "–"
        return date_format(timezone.localtime(newest.confirmed_at + CONFIRMED_FOR), "DATE_FORMAT")

    @admin.display(description=gettext_lazy("second factor"), boolean=True)
    def second_factor(self, person: Any) -> bool:
        return bool(person.has_factor)

    @admin.display(description=gettext_lazy("in force"), boolean=True)
    def in_force(self, person: User) -> bool:
        return person.is_staff and person.is_active

    def may_act(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_staffaccount"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/confirm/", view(self.confirm), name="accounts_staffaccount_confirm"),
            path("<uuid:pk>/end/", view(self.end), name="accounts_staffaccount_end"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        number = staff_accounts().count()
        subtitle = _("%(number)s of at most %(most)s") % {"number": number, "most": cap()}
        return super().changelist_view(request, {"subtitle": subtitle, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        person = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {}
        if person is not None:
            context = {
                "person": person,
                "is_self": person.pk == request.user.pk,
                "may_act": self.may_act(request) and person.is_staff,
                "form": ConfirmForm(initial={"roles": roles_of(person)}),
                "confirmations": [
                    (each.confirmed_at, each.confirmed_by, named(each.roles))
                    for each in person.confirmations.select_related("confirmed_by")[:10]
                ],
            }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def confirm(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """For another year, with the roles that were ticked."""
        person = self._subject(request, pk)
        form = ConfirmForm(request.POST)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not form.is_valid():
            messages.error(request, _("Choose at least one role; without any, end the account."))
            return redirect(f"{ACCOUNTS}_change", pk)
        actor, roles = cast("User", request.user), form.cleaned_data["roles"]
        try:
            confirm(person, roles=roles, actor=actor, now=timezone.now())
        except StaffRefusedError as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, person, _("Confirmed: %(roles)s.") % {"roles": named(roles)})
            messages.success(request, _("The account is confirmed for a year."))
        return redirect(f"{ACCOUNTS}_change", pk)

    def end(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        person = self._subject(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            ended = end_account(person, actor=cast("User", request.user), now=timezone.now())
        except StaffRefusedError as refusal:
            messages.error(request, str(refusal))
        else:
            if ended:
                self.log_change(request, person, _("Ended the account."))
            messages.success(
                request,
                _(
                    "The account has ended: sign-in, sessions, access tokens, authenticators, "
                    "roles, open access to customers and open invitations, all at once."
                ),
            )
        return redirect(f"{ACCOUNTS}_change", pk)

    def _subject(self, request: HttpRequest, pk: uuid.UUID) -> User:
        if not self.may_act(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Whose year is nearly over, or who was never confirmed."""
        due = due_for_confirmation(now=timezone.now())
        items = [
            WorkItem(
                title=person.get_full_name() or person.username,
                url=reverse(f"{ACCOUNTS}_change", args=[person.pk]),
                due=newest.confirmed_at + CONFIRMED_FOR if newest else None,
            )
            for person, newest in ((each, newest_confirmation(each)) for each in due[:10])
        ]
        return WorkList(
            title=_("Staff accounts to confirm"),
            items=items,
            count=len(due),
            empty=_("Every account is confirmed for more than a month."),
            url=reverse(f"{ACCOUNTS}_changelist"),
        )


@admin.register(StaffInvitation)
class StaffInvitationAdmin(ReadOnlyAdmin):
    change_form_template = "admin/accounts/staffinvitation/change_form.html"
    list_display = ("email", "its_roles", "invited_at", "expires_at", "state")
    fields = ("email", "its_roles", "invited_by", "invited_at", "expires_at", "state")
    readonly_fields = fields
    list_select_related = ("invited_by",)

    @admin.display(description=gettext_lazy("roles"))
    def its_roles(self, invitation: StaffInvitation) -> str:
        return named(invitation.roles)

    @admin.display(description=gettext_lazy("state"))
    def state(self, invitation: StaffInvitation) -> str:
        if invitation.accepted_at:
            return _("accepted")
        if invitation.withdrawn_at:
            return _("withdrawn")
        return _("open") if invitation.expires_at > timezone.now() else _("ran out")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.add_staffinvitation"))

    def may_withdraw(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_staffinvitation"))

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:pk>/withdraw/",
            self.admin_site.admin_view(self.withdraw),
            name="accounts_staffinvitation_withdraw",
        )
        return [own, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """An address and roles; the mail goes at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InviteForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                invitation = invite(
                    email=form.cleaned_data["email"],
                    roles=form.cleaned_data["roles"],
                    actor=cast("User", request.user),
                    now=timezone.now(),
                    language=get_language() or "",
                )
            except StaffRefusedError as refusal:
                form.add_error(None, str(refusal))
            else:
                self.log_addition(request, invitation, [{"added": {}}])
                messages.success(request, _("The invitation is on its way."))
                return redirect(f"{INVITATIONS}_changelist")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Invite a colleague"),
            "form": form,
            "free": cap() - staff_accounts().count(),
            "most": cap(),
        }
        return TemplateResponse(request, "admin/accounts/staffinvitation/add.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        invitation = self.get_object(request, unquote(object_id))
        is_open = invitation is not None and (
            open_invitations(now=timezone.now()).filter(pk=invitation.pk).exists()
        )
        context = {"may_withdraw": is_open and self.may_withdraw(request)}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def withdraw(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if not self.may_withdraw(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        invitation = get_object_or_404(StaffInvitation, pk=pk)
        if withdraw(invitation, now=timezone.now()):
            self.log_change(request, invitation, _("Withdrew the invitation."))
        messages.success(request, _("The invitation is withdrawn. Its link opens nothing."))
        return redirect(f"{INVITATIONS}_change", pk)

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Who was asked and has not come yet."""
        waiting = open_invitations(now=timezone.now()).order_by("expires_at")
        return WorkList(
            title=_("Open invitations of staff"),
            items=[
                WorkItem(
                    title=named(each.roles),
                    url=reverse(f"{INVITATIONS}_change", args=[each.pk]),
                    note=_("open until %(day)s")
                    % {"day": date_format(timezone.localtime(each.expires_at), "DATE_FORMAT")},
                )
                for each in waiting[:10]
            ],
            count=waiting.count(),
            empty=_("No invitation is open."),
            url=reverse(f"{INVITATIONS}_changelist"),
        )
