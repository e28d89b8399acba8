"""Settings of the portal. What differs between installations stands in `environment.py`."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from clicksend_portal import environment
from clicksend_portal.logs import configure_structlog, logging_config

# Lets typed classes such as ModelAdmin[User] be written at run time too.
django_stubs_ext.monkeypatch()

env = environment.read()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- identity of this installation -----------------------------------------------------------
SECRET_KEY = env.secret_key
SECRET_KEY_FALLBACKS = list(env.secret_key_fallbacks)
TOKEN_KEYS = env.token_keys
SUPPRESSION_KEYS = env.suppression_keys
LOG_KEYS = env.log_keys
JOURNAL_URL = env.journal_url
BACKUP_DAYS = env.backup_days
DEBUG = env.debug
PORTAL_URL = env.portal_url
ALLOWED_HOSTS = list(env.allowed_hosts)
SECURE = PORTAL_URL.startswith("https://")
LEGAL_NAME = env.legal_name
POSTAL_ADDRESS = env.postal_address
SUPPORT_EMAIL = env.support_email
SUPPORT_PHONE = env.support_phone
PRIVACY_EMAIL = env.privacy_email
PROMISE_OWNERS = env.promise_owners
LEGAL_ENTITIES = env.legal_entities
PRIVILEGED_CAP = env.privileged_cap

INSTALLED_APPS = [
    "clicksend_portal",
    "retention",
    "messaging",
    "consent",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",
    "clicksend_portal.apps.PortalAdminConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "django_celery_beat",
    "django_countries",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "rest_framework",
    "pgtrigger",
    "phonenumber_field",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clicksend_portal.request_log.RequestLogMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "clicksend_portal.standstill.StandstillMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "accounts.middleware.NorwegianMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.StaffSessionMiddleware",
    "accounts.middleware.AccountLanguageMiddleware",
    "accounts.middleware.SessionSeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "clicksend_portal.traffic.CountPageMiddleware",
]

ROOT_URLCONF = "clicksend_portal.urls"
WSGI_APPLICATION = "clicksend_portal.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "accounts.context.portal",
            ],
        },
    },
]

# --- services --------------------------------------------------------------------------------
_database = env.database_url.django(role=env.database_role)
# Each thread of the web server keeps its connection: a pool costs a request more than it saves. The
# check meets a restarted database before a page does; one-click goes without and asks again.
_database["CONN_MAX_AGE"] = None
_database["CONN_HEALTH_CHECKS"] = True
_database["OPTIONS"]["prepare_threshold"] = 5
DATABASES = {"default": _database}
DATABASE_ROLE = env.database_role
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.cache_url,
        "KEY_PREFIX": "portal",
        "KEY_FUNCTION": "foundation.cache_keys.opaque_key",
    }
}

CELERY_BROKER_URL = env.broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A broker that goes must not end a worker between a body and its answer: that is a message in
# doubt. What it calls again meanwhile finds its rows taken.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    # Urgent mail shares no worker with campaigns.
    "messaging.tasks.deliver_campaigns": {"queue": "campaigns"},
    # Starting, gathering and stopping them waits for no round of either.
    "messaging.tasks.run_mailings": {"queue": "mailings"},
    # Reading uploaded lists and making archives takes long and is nobody else's wait.
    "messaging.tasks.read_uploads": {"queue": "content"},
    "retention.tasks.make_exports": {"queue": "content"},
    "messaging.tasks.*": {"queue": "mail"},
    # Other systems may be slow: nothing else waits in their queue.
    "consent.tasks.deliver_webhooks": {"queue": "webhooks"},
    # Waits for web servers as well, and has no need of the keeper's rights.
    "consent.tasks.check_takedowns": {"queue": "webhooks"},
    "retention.tasks.keep_log": {"queue": "log"},
    "retention.tasks.*": {"queue": "retention"},
}
# A task only wakes someone up: losing the broker must never fail the request that sends it.
CELERY_TASK_PUBLISH_RETRY = False
# Nor make it wait: without this each call knocks for six seconds.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}

EMAIL_BACKEND = "messaging.backends.OutboxBackend"
MAIL_TRANSPORT = env.email_url
SMTP_TIMEOUT = env.smtp_timeout
# For the answer to a message's end a client waits at least so long (RFC 5321 §4.5.3.2.6).
SMTP_ANSWER_TIMEOUT = 600
SMTP_CONNECTIONS = env.smtp_connections
ANYMAIL = {**dict(env.email_url.esp_settings), "WEBHOOK_SECRET": env.hooks_secret}
MAIL_DOMAIN = env.mail_domain
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ACCOUNT_FROM = env.account_from
SERVICE_FROM = env.service_from
NEWS_FROM = env.news_from
UNSUBSCRIBE_MAILBOX = env.unsubscribe_mailbox
DKIM_KEY = env.dkim_key
DKIM_SELECTOR = env.dkim_selector
DKIM_DOMAIN = env.dkim_domain

# --- people ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
# User names are unique whatever their case, by a constraint on Lower(); the check looks for a flag.
# Staff see the preview of a mail in a frame of our own origin, so framing is SAMEORIGIN, not DENY.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "security.W019"]
AUTHENTICATION_BACKENDS = ["accounts.backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 12}  # type: ignore[assignment]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "preferences"
LOGOUT_REDIRECT_URL = "home"
PASSWORD_RESET_TIMEOUT = 24 * 3600

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
MFA_ADAPTER = "accounts.mfa.MFAAdapter"
ACCOUNT_FORMS = {
    "signup": "consent.forms.SignupForm",
    "login": "accounts.forms.LoginForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "change_password": "accounts.forms.ChangePasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
# Our own sign-up form asks for no password; allauth's sign-in form wants one named here.
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
# The welcome link confirms the address and sets the password: nobody can sign in before it.
ACCOUNT_EMAIL_VERIFICATION = "none"
# allauth's own generator would write rows when a link is only looked at.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
# A forwarded mail's link asks for confirmation mails without a sign-in: a few, not a flood.
ACCOUNT_RATE_LIMITS = {
    "signup_address": "5/h/key",
    "confirm_yes": "3/h/key",
    "question": "10/h/key",
    # Each writes to an address that a stranger names.
    "contact": "5/h/ip,3/h/key",
    # To one question.
    "question_more": "20/h/key",
}
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_USER_DISPLAY = "accounts.services.display_name"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE else "http"
# Behind the proxy that speaks TLS all visitors would share one rate limit.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE else 0
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {"add_webauthn": "accounts.forms.AddPasskeyForm"}
# allauth's rows of unconfirmed addresses are changes that wait (accounts.querysets); nobody gets
# in with an unconfirmed account, and the address in use stays confirmed all the while.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "ClickSend"
# A code that ran out while it was typed: RFC 6238 section 5.2 recommends at most one step.
MFA_TOTP_TOLERANCE = 1
# Browsers offer passkeys over plain http on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True

# --- protection ------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.SELF],
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
# Health checks come from inside the network, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"

# --- the API ---------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "consent.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
}
_ERRORS = ("400", "401", "403", "404", "405", "406", "413", "415", "429", "500", "503")
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "consent.api.errors.Handler",
    "ALLOWED_ERROR_STATUS_CODES": _ERRORS,
    "ERROR_SCHEMAS": dict.fromkeys(_ERRORS, "consent.api.serializers.ErrorSerializer"),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ClickSend portal",
    "VERSION": "1",
    "DESCRIPTION": "Your email choices for your own apps, and the consent of our customers for "
    "our other systems. Every error has one form; texts follow `Accept-Language` (nb, en), or the "
    "language of the account with a session.",
    "SCHEMA_PATH_PREFIX": "/api/v[0-9]+",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"validatorUrl": None, "defaultModelsExpandDepth": -1},
    "TAGS": [
        {"name": "Your choices"},
        {"name": "Other systems"},
        {"name": "The platform"},
        {"name": "For everybody"},
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "PreferenceStateEnum": "consent.api.serializers.PREFERENCE_STATES",
        "ChangedStateEnum": "consent.models.State",
        "TopicKindEnum": "consent.api.serializers.TOPIC_KINDS",
        "MessageKindEnum": "messaging.content.feed_kinds.MESSAGE_KINDS",
        "TransactionKindEnum": "messaging.content.feed_kinds.TRANSACTION_KINDS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "consent.api.schema.say_what_is_refused",
    ],
}

# --- languages and time ----------------------------------------------------------------------
LANGUAGE_CODE = "nb"
LANGUAGES = [("nb", _("Norwegian Bokmål")), ("en", _("English"))]
FORMAT_MODULE_PATH = ["clicksend_portal.formats"]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "thirdparty"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = SECURE
USE_TZ = True
# What people read; the database and Celery keep UTC. A signed-in person reads their own zone.
TIME_ZONE = "Europe/Oslo"
PHONENUMBER_DEFAULT_REGION = "NO"

# --- files -----------------------------------------------------------------------------------
STATIC_URL = "static/"
# Without https the files are served from where they lie: nothing to collect before a run.
STATIC_ROOT = BASE_DIR / "var" / "static" if SECURE else None
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if SECURE
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not SECURE
WHITENOISE_AUTOREFRESH = False
MEDIA_ROOT = BASE_DIR / "var" / "media"

# --- logs ------------------------------------------------------------------------------------
LOGGING = logging_config(env.log_level)
configure_structlog()
PORTAL_HOST = urlsplit(PORTAL_URL).hostname or "localhost"
# Web sites of ours, where the portal itself looks whether a reference is gone.
OUR_HOSTS = frozenset({PORTAL_HOST, *(host.lower() for host in env.our_hosts)})
