# Every schedule of the table. A fire may come twice; the functions do not mind.

resource "google_cloud_scheduler_job" "this" {
  for_each         = module.registry.jobs
  name             = each.value.cloud_name
  region           = var.region
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = each.value.attempt_deadline

  retry_config {
    retry_count          = 3
    min_backoff_duration = "10s"
    max_backoff_duration = "300s"
  }

  http_target {
    http_method = "POST"
    uri         = module.function[each.value.function].uri
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(each.value.payload)

    oidc_token {
      service_account_email = google_service_account.caller.email
      audience              = module.function[each.value.function].uri
    }
  }
}
