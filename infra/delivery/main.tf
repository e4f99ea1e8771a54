# One topic, and the push subscription that brings its messages to one function.

variable "topic" {
  type = string
}

variable "delivery" {
  description = "The delivery as infra/registry gives it."
  type        = any
}

variable "region" {
  type = string
}

variable "uri" {
  description = "Address and audience of the function."
  type        = string
}

variable "caller" {
  description = "The service account that Pub/Sub calls the function as."
  type        = string
}

variable "publishers" {
  description = "All that may publish to the topic."
  type        = list(string)
}

variable "dead_letter" {
  description = "Id of the dead-letter topic; null for a topic that is one."
  type        = string
  default     = null
}

variable "pubsub_agent" {
  description = "Pub/Sub's own service agent, which forwards to the dead letter."
  type        = string
}

resource "google_pubsub_topic" "this" {
  name = var.topic

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic_iam_binding" "publisher" {
  topic   = google_pubsub_topic.this.id
  role    = "roles/pubsub.publisher"
  members = var.publishers
}

resource "google_pubsub_subscription" "this" {
  name                       = var.delivery.subscription
  topic                      = google_pubsub_topic.this.id
  ack_deadline_seconds       = var.delivery.ack_deadline_seconds
  message_retention_duration = var.delivery.retention

  push_config {
    push_endpoint = var.uri

    oidc_token {
      service_account_email = var.caller
      audience              = var.uri
    }
  }

  retry_policy {
    minimum_backoff = var.delivery.minimum_backoff
    maximum_backoff = var.delivery.maximum_backoff
  }

  # An empty time to live means never; without the block it would be 31 days.
  expiration_policy {
    ttl = ""
  }

  dynamic "dead_letter_policy" {
    for_each = var.delivery.dead_letter == null ? [] : [var.delivery.attempts]

    content {
      dead_letter_topic     = var.dead_letter
      max_delivery_attempts = dead_letter_policy.value
    }
  }
}

# Without it the attempts are counted, and the message is never forwarded.
resource "google_pubsub_subscription_iam_binding" "forwarder" {
  count        = var.delivery.dead_letter == null ? 0 : 1
  subscription = google_pubsub_subscription.this.id
  role         = "roles/pubsub.subscriber"
  members      = [var.pubsub_agent]
}

output "topic" {
  value = google_pubsub_topic.this.id
}
