# Every topic of the table with its push subscription; dead letters first, since the others forward to them.

locals {
  gmail_topic = "gmail-push"
  publishers  = [for name in lookup(module.registry.members.topics, "roles/pubsub.publisher", []) : local.members[name]]
}

module "dead_letter" {
  source   = "./delivery"
  for_each = { for topic, delivery in module.registry.deliveries : topic => delivery if delivery.dead_letter == null }

  topic        = each.key
  delivery     = each.value
  region       = var.region
  uri          = module.function[each.value.function].uri
  caller       = google_service_account.caller.email
  publishers   = [local.pubsub_agent]
  pubsub_agent = local.pubsub_agent
}

module "delivery" {
  source   = "./delivery"
  for_each = { for topic, delivery in module.registry.deliveries : topic => delivery if delivery.dead_letter != null }

  topic    = each.key
  delivery = each.value
  region   = var.region
  uri      = module.function[each.value.function].uri
  caller   = google_service_account.caller.email
  # Gmail publishes as an account of its own, the same everywhere; nobody else has business with its topic.
  publishers   = each.value.takes_from_ours ? local.publishers : ["serviceAccount:gmail-api-push@system.gserviceaccount.com"]
  dead_letter  = module.dead_letter[each.value.dead_letter].topic
  pubsub_agent = local.pubsub_agent
}
