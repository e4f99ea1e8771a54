# Who is told when something needs a person: a dead letter, mail that was missed, or money.

resource "google_monitoring_notification_channel" "email" {
  count        = var.alert_email == "" ? 0 : 1
  display_name = "Whoever runs Hearback"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "dead_letter" {
  count                 = var.alert_email == "" ? 0 : 1
  display_name          = "A message that nobody could handle"
  combiner              = "OR"
  notification_channels = google_monitoring_notification_channel.email[*].id

  conditions {
    display_name = "Forwarded to a dead letter"

    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_DELTA"
      }
    }
  }

  documentation {
    content = "scripts/status --google shows which function; the dead letter's record says why."
  }
}

# The daily receipt has found mail that nobody had read. It has read it by then: what is to be found is why.
resource "google_logging_metric" "coverage_gap" {
  name        = "coverage_gap"
  description = "Receipts that found mail without a record"
  filter      = "resource.type = \"cloud_run_revision\" AND jsonPayload.message = \"coverage gap\""
  depends_on  = [google_project_service.this]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "coverage_gap" {
  count                 = var.alert_email == "" ? 0 : 1
  display_name          = "Mail that was missed"
  combiner              = "OR"
  notification_channels = google_monitoring_notification_channel.email[*].id

  conditions {
    display_name = "A receipt has found a gap"

    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.coverage_gap.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_DELTA"
      }
    }
  }

  documentation {
    content = "The log line names how many mails were missed; they have been read. Look for why no push and no sweep had them."
  }
}

resource "google_billing_budget" "this" {
  count           = var.billing_account == "" ? 0 : 1
  billing_account = var.billing_account
  display_name    = "Hearback in ${var.project_id}"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.monthly_budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  dynamic "all_updates_rule" {
    for_each = google_monitoring_notification_channel.email[*].id

    content {
      monitoring_notification_channels = [all_updates_rule.value]
    }
  }
}

data "google_project" "this" {
  project_id = var.project_id
}
