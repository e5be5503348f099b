"""All routes. The public prefix and the inherited internal one serve the same plugins with the same token."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from terrafusion.jobs.api.urls import county_urls, plugin_urls
from terrafusion.jobs.metrics import metrics_view
from terrafusion.web import health

handler400 = "terrafusion.web.problems.bad_request"
handler403 = "terrafusion.web.problems.forbidden"
handler404 = "terrafusion.web.problems.not_found"
handler500 = "terrafusion.web.problems.server_error"

urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs"), name="home"),
    path("admin/", admin.site.urls),
    path("api/v1/auth/", include("accounts.urls")),
    path("auth/", include("accounts.urls")),
    path("api/v1/", include("terrafusion.roll.api.urls")),
    path("api/v1/", include(county_urls())),
    *plugin_urls("api/v1", "plugins/v1"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("metrics", metrics_view, name="metrics"),
    path("healthz/live", health.live, name="healthz-live"),
    path("healthz/ready", health.ready, name="healthz-ready"),
]
