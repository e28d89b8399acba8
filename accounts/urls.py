"""Addresses of the account (design §4); what is not here is allauth's."""

from allauth.account.views import password_reset_from_key
from django.urls import path, re_path

from accounts.views.activation import deactivate, reactivate
from accounts.views.address import change_email, confirm_email
from accounts.views.invitation import invitation
from accounts.views.private import secret_address
from accounts.views.profile import profile, set_language
from accounts.views.reconfirming import ask_to_confirm, confirm_again
from accounts.views.sessions import sessions
from accounts.views.signup import show_signup_done, sign_up
from accounts.views.support import (
    contact,
    contact_sent,
    contact_thread,
    support_page,
    support_thread,
)
from accounts.views.tokens import revoke_token, tokens
from accounts.views.welcome import welcome

urlpatterns = [
    path("signup/", sign_up, name="account_signup"),
    path("signup/check-your-mail/", show_signup_done, name="signup_done"),
    path("welcome/<str:token>/", welcome, name="welcome"),
    path("staff/invitation/<str:token>/", invitation, name="staff_invitation"),
    path("language/", set_language, name="set_language"),
    path("account/", profile, name="account_profile"),
    path("account/sessions/", sessions, name="account_sessions"),
    path("account/tokens/", tokens, name="account_tokens"),
    path("account/tokens/<uuid:token_id>/revoke/", revoke_token, name="account_token_revoke"),
    path("account/deactivate/", deactivate, name="account_deactivate"),
    path("account/reactivate/", reactivate, name="account_reactivate"),
    path("account/support/", support_page, name="account_support"),
    path("account/support/<uuid:reference>/", support_thread, name="account_support_thread"),
    path("contact/", contact, name="contact"),
    path("contact/sent/", contact_sent, name="contact_sent"),
    path("contact/<uuid:reference>/", contact_thread, name="contact_thread"),
    path("confirm-address/", ask_to_confirm, name="address_confirm_again"),
    path("confirm-address/<str:token>/", confirm_again, name="address_confirm_link"),
    # In place of allauth's pages of the same name, which write on GET.
    path("email/", change_email, name="account_email"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", confirm_email, name="account_confirm_email"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        secret_address(password_reset_from_key),
        name="account_reset_password_from_key",
    ),
]
