# One function: its zip, its own identity, its limits, and who may call it.

variable "function" {
  description = "The function as infra/registry gives it."
  type        = any
}

variable "entry_point" {
  type = string
}

variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "source_bucket" {
  type = string
}

variable "zip" {
  description = "The function's zip, as scripts/package makes it."
  type        = string
}

variable "settings" {
  description = "Value of every setting that any function may need; this one is given its own."
  type        = map(string)
}

variable "secrets" {
  description = "Secret Manager's id of every secret; this function is given its own."
  type        = map(string)
}

variable "caller" {
  description = "The one service account that calls private functions."
  type        = string
}

variable "build_account" {
  description = "The service account that Cloud Build works as."
  type        = string
}

variable "public_ingress" {
  description = "Where a public function takes requests from."
  type        = string
}

locals {
  # A zip of equal content has an equal hash: an unchanged function is not deployed again.
  version = substr(filesha256(var.zip), 0, 16)
}

resource "google_service_account" "this" {
  account_id   = var.function.service_account
  display_name = "Function ${var.function.cloud_name}"
}

resource "google_storage_bucket_object" "zip" {
  bucket = var.source_bucket
  name   = "${var.function.cloud_name}-${local.version}.zip"
  source = var.zip
}

resource "google_cloudfunctions2_function" "this" {
  name        = var.function.cloud_name
  location    = var.region
  description = var.function.summary

  build_config {
    runtime         = "python313"
    entry_point     = var.entry_point
    service_account = var.build_account

    source {
      storage_source {
        bucket = var.source_bucket
        object = google_storage_bucket_object.zip.name
      }
    }
  }

  service_config {
    available_cpu                    = var.function.cpu
    available_memory                 = var.function.memory
    timeout_seconds                  = var.function.timeout_seconds
    max_instance_count               = var.function.max_instances
    max_instance_request_concurrency = var.function.concurrency
    service_account_email            = google_service_account.this.email
    ingress_settings                 = var.function.public ? var.public_ingress : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true

    environment_variables = merge(
      var.function.environment,
      { for name in var.function.settings : name => var.settings[name] },
      { for name in var.function.optional_settings : name => var.settings[name] if lookup(var.settings, name, "") != "" },
      { GOOGLE_CLOUD_PROJECT = var.project, HEARBACK_VERSION = local.version },
    )

    dynamic "secret_environment_variables" {
      for_each = toset(concat(var.function.secrets, [for name in var.function.optional_secrets : name if contains(keys(var.secrets), name)]))

      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = var.secrets[secret_environment_variables.key]
        version    = "latest"
      }
    }
  }
}

# The binding is the whole truth about who may call: a stray member is removed at the next apply.
resource "google_cloud_run_service_iam_binding" "invoker" {
  service  = google_cloudfunctions2_function.this.name
  location = var.region
  role     = "roles/run.invoker"
  members  = [var.function.public ? "allUsers" : "serviceAccount:${var.caller}"]
}

output "uri" {
  description = "The address of the function's Cloud Run service; also the audience of whoever calls it."
  value       = google_cloudfunctions2_function.this.service_config[0].uri

  # A caller that comes before its permission would be refused until it tries again.
  depends_on = [google_cloud_run_service_iam_binding.invoker]
}

output "service" {
  description = "Name of the function's Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}

output "member" {
  description = "The function's service account as a member of IAM policies."
  value       = google_service_account.this.member
}

output "service_account" {
  description = "The function's service account by its full name."
  value       = google_service_account.this.name
}

output "zip" {
  description = "The zip that is deployed."
  value       = google_storage_bucket_object.zip.name
}
