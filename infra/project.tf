# What has to be there before anything else: APIs, the one caller, the builder, Pub/Sub's own agent.

locals {
  apis = [
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "firebaserules.googleapis.com",
    "firestore.googleapis.com",
    "gmail.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ]
}

resource "google_project_service" "this" {
  for_each           = toset(local.apis)
  service            = each.key
  disable_on_destroy = false
}

resource "google_project_service_identity" "pubsub" {
  provider   = google-beta
  project    = var.project_id
  service    = "pubsub.googleapis.com"
  depends_on = [google_project_service.this]
}

# Pub/Sub and Cloud Scheduler call every private function as this account; it may do nothing else.
resource "google_service_account" "caller" {
  account_id   = "hearback-caller"
  display_name = "Calls private functions"
  depends_on   = [google_project_service.this]
}

# Pub/Sub signs its tokens in the caller's name.
resource "google_service_account_iam_binding" "caller_tokens" {
  service_account_id = google_service_account.caller.name
  role               = "roles/iam.serviceAccountTokenCreator"
  members            = [local.pubsub_agent]
}

resource "google_service_account" "build" {
  account_id   = "hearback-build"
  display_name = "Builds functions"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer"])
  project  = var.project_id
  role     = each.key
  member   = google_service_account.build.member
}

locals {
  pubsub_agent = "serviceAccount:${google_project_service_identity.pubsub.email}"
}
