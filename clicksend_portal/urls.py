"""Every address of the portal: the apps', the public pages', and those of third-party parts."""

from django.contrib import admin
from django.urls import include, path

from clicksend_portal.views import operations, pages, references, trust, well_known

urlpatterns = [
    # First, for the first of them is the one-click unsubscribe, which must be quick.
    path("", include("consent.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("clicksend_portal.api.urls")),
    path("", include("accounts.urls")),
    path("", include("retention.urls")),
    path("", include("messaging.urls")),
    path("", pages.show_home, name="home"),
    path("privacy/", pages.show_privacy, name="privacy"),
    path("references/", references.show_references, name="references"),
    path("trust/", trust.list_promises, name="trust"),
    path("trust/<slug:promise_id>/", trust.show_promise, name="promise"),
    path("healthz", operations.show_liveness, name="healthz"),
    path("readyz", operations.show_readiness, name="readyz"),
    path("robots.txt", well_known.show_robots, name="robots"),
    path(".well-known/security.txt", well_known.show_security_contact, name="security_txt"),
    path(".well-known/gpc.json", well_known.show_gpc, name="gpc"),
    path(
        ".well-known/change-password",
        well_known.redirect_to_password_change,
        name="well_known_change_password",
    ),
    path("", include("allauth.account.urls")),
    path("account/security/", include("allauth.mfa.urls")),
]
