# One name in front of the public functions, as an option: the function without paths gets what the others do not.

locals {
  with_domain = var.domain != ""
  public      = { for name, function in module.registry.functions : name => function if function.public }
  front       = concat([for name, function in local.public : name if length(function.paths) == 0], keys(local.public))[0]
}

resource "google_compute_region_network_endpoint_group" "public" {
  for_each              = local.with_domain ? local.public : {}
  name                  = each.value.cloud_name
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = module.function[each.key].service
  }
}

resource "google_compute_backend_service" "public" {
  for_each              = local.with_domain ? local.public : {}
  name                  = each.value.cloud_name
  load_balancing_scheme = "EXTERNAL_MANAGED"

  backend {
    group = google_compute_region_network_endpoint_group.public[each.key].id
  }
}

resource "google_compute_url_map" "https" {
  count           = local.with_domain ? 1 : 0
  name            = "hearback"
  default_service = google_compute_backend_service.public[local.front].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "functions"
  }

  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_service.public[local.front].id

    dynamic "path_rule" {
      for_each = { for name, function in local.public : name => function.paths if length(function.paths) > 0 }

      content {
        paths   = path_rule.value
        service = google_compute_backend_service.public[path_rule.key].id
      }
    }
  }
}

resource "google_compute_url_map" "redirect" {
  count = local.with_domain ? 1 : 0
  name  = "hearback-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_managed_ssl_certificate" "this" {
  count = local.with_domain ? 1 : 0
  name  = "hearback"

  managed {
    domains = [var.domain]
  }
}

resource "google_compute_ssl_policy" "modern" {
  count           = local.with_domain ? 1 : 0
  name            = "hearback"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "this" {
  count            = local.with_domain ? 1 : 0
  name             = "hearback"
  url_map          = google_compute_url_map.https[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.this[0].id]
  ssl_policy       = google_compute_ssl_policy.modern[0].id
}

resource "google_compute_target_http_proxy" "redirect" {
  count   = local.with_domain ? 1 : 0
  name    = "hearback-redirect"
  url_map = google_compute_url_map.redirect[0].id
}

resource "google_compute_global_address" "this" {
  count = local.with_domain ? 1 : 0
  name  = "hearback"
}

resource "google_compute_global_forwarding_rule" "https" {
  count                 = local.with_domain ? 1 : 0
  name                  = "hearback"
  target                = google_compute_target_https_proxy.this[0].id
  port_range            = "443"
  ip_address            = google_compute_global_address.this[0].id
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

resource "google_compute_global_forwarding_rule" "redirect" {
  count                 = local.with_domain ? 1 : 0
  name                  = "hearback-redirect"
  target                = google_compute_target_http_proxy.redirect[0].id
  port_range            = "80"
  ip_address            = google_compute_global_address.this[0].id
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
