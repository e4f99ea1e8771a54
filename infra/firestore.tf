# The records. Indexes and exemptions are made from the declared queries: scripts/docs writes the file.

locals {
  indexes = jsondecode(file("${path.module}/firestore_indexes.json"))
}

resource "google_firestore_database" "this" {
  name                              = "(default)"
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  depends_on                        = [google_project_service.this]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_firestore_index" "this" {
  for_each = { for index in local.indexes.composites :
    "${index.collection} ${index.scope} ${join(" ", [for f in index.fields : "${f.field} ${f.how}"])}" => index
  }
  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = each.value.scope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = fields.value.field
      order        = fields.value.how == "CONTAINS" ? null : fields.value.how
      array_config = fields.value.how == "CONTAINS" ? "CONTAINS" : null
    }
  }
}

resource "google_firestore_field" "this" {
  for_each   = { for field in local.indexes.fields : "${field.collection} ${field.field}" => field }
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = each.value.field

  # An empty block means no index at all.
  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes

      content {
        query_scope  = indexes.value.scope
        order        = indexes.value.how == "CONTAINS" ? null : indexes.value.how
        array_config = indexes.value.how == "CONTAINS" ? "CONTAINS" : null
      }
    }
  }

  dynamic "ttl_config" {
    for_each = each.value.expires ? [true] : []
    content {}
  }
}

resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.this.name
  retention = "604800s"

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  database  = google_firestore_database.this.name
  retention = "8467200s"

  weekly_recurrence {
    day = "SUNDAY"
  }
}

# The API is the only door: no browser or telephone reads the database itself.
resource "google_firebaserules_ruleset" "closed" {
  depends_on = [google_firestore_database.this]

  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/firestore.rules")
    }
  }
}

resource "google_firebaserules_release" "firestore" {
  name         = "cloud.firestore"
  ruleset_name = google_firebaserules_ruleset.closed.name
}
