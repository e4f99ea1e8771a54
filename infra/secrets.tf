# The key that wraps the vault's keys, and the app's own secrets. A person's tokens are in neither: the vault seals them.

locals {
  secrets = merge(
    module.registry.members.secrets,
    { for name, functions in module.registry.members.optional_secrets : name => functions if contains(var.optional_secrets, name) },
  )
}

resource "google_kms_key_ring" "this" {
  name       = "hearback"
  location   = var.region
  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key" "vault" {
  name            = "vault"
  key_ring        = google_kms_key_ring.this.id
  rotation_period = "7776000s"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_binding" "vault" {
  for_each      = module.registry.members.key
  crypto_key_id = google_kms_crypto_key.vault.id
  role          = each.key
  members       = [for name in each.value : local.members[name]]
}

resource "google_secret_manager_secret" "this" {
  for_each   = local.secrets
  secret_id  = lower(replace(each.key, "_", "-"))
  depends_on = [google_project_service.this]

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_version" "this" {
  for_each               = local.secrets
  secret                 = google_secret_manager_secret.this[each.key].id
  secret_data_wo         = lookup(var.secrets, each.key, null)
  secret_data_wo_version = var.secrets_version
}

resource "google_secret_manager_secret_iam_binding" "this" {
  for_each  = local.secrets
  secret_id = google_secret_manager_secret.this[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  members   = [for name in each.value : local.members[name]]
}
