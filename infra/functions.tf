# Every function of the table.

module "registry" {
  source      = "./registry"
  table       = file("${path.module}/../functions/registry.yaml")
  gmail_topic = local.gmail_topic
}

module "function" {
  source   = "./function"
  for_each = module.registry.functions

  function       = each.value
  entry_point    = each.key
  project        = var.project_id
  region         = var.region
  source_bucket  = google_storage_bucket.source.name
  zip            = "${path.module}/${var.zips}/${each.key}.zip"
  settings       = local.settings
  secrets        = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
  caller         = google_service_account.caller.email
  build_account  = google_service_account.build.id
  public_ingress = var.domain == "" ? "ALLOW_ALL" : "ALLOW_INTERNAL_AND_GCLB"

  depends_on = [google_project_iam_member.build, google_secret_manager_secret_version.this]
}

locals {
  settings = merge(var.optional_settings, {
    HEARBACK_OAUTH_CLIENT_ID     = var.oauth_client_id
    HEARBACK_OAUTH_REDIRECT_URIS = join(",", var.redirect_uris)
    HEARBACK_KMS_KEY             = google_kms_crypto_key.vault.id
    HEARBACK_BUCKET              = google_storage_bucket.files.name
    HEARBACK_ALLOWED_ORIGINS     = join(",", var.allowed_origins)
  })
  members = { for name, function in module.function : name => function.member }
}

resource "google_project_iam_member" "function" {
  for_each = module.registry.members.project
  project  = var.project_id
  role     = each.value.role
  member   = local.members[each.value.function]
}

# On Google's own hosts the functions that read mail ask the advisor as themselves.
resource "google_project_iam_member" "advisor" {
  for_each = { for name, function in module.registry.functions : name => function
  if contains(function.uses, "gmail") && can(regex("\\.googleapis\\.com(/|$)", lookup(var.optional_settings, "HEARBACK_ADVISOR_URL", ""))) }
  project = var.project_id
  role    = "roles/aiplatform.user"
  member  = local.members[each.key]
}
