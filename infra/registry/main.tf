# The functions table in, maps out. No provider: what follows from the table alone is tested alone.

variable "table" {
  description = "The text of functions/registry.yaml."
  type        = string
}

variable "gmail_topic" {
  description = "The topic that Gmail publishes to."
  type        = string
  default     = "gmail-push"
}

locals {
  table     = yamldecode(var.table)
  uses      = yamldecode(file("${path.module}/uses.yaml"))
  rows      = { for name, row in local.table.functions : name => merge(local.table.defaults, row) }
  topics_of = { for name, row in local.rows : name => try(row.topics, [row.topic], []) }

  functions = { for name, row in local.rows : name => {
    cloud_name      = replace(name, "_", "-")
    service_account = "fn-${replace(name, "_", "-")}"
    summary         = row.summary
    cpu             = tostring(row.cpu)
    memory          = row.memory
    concurrency     = row.concurrency
    max_instances   = row.max_instances
    timeout_seconds = row.timeout_seconds
    public          = try(row.http, "") == "public"
    paths           = try(row.paths, [])
    uses            = row.uses
    # What registry.environment gives the local runner, but FUNCTION_TARGET, which the platform keeps for itself.
    environment = {
      THREADS                      = tostring(row.concurrency)
      CLOUD_RUN_TIMEOUT_SECONDS    = tostring(row.timeout_seconds)
      THREADED_TIMEOUT_ENABLED     = "true"
      HEARBACK_USES                = join(",", row.uses)
      HEARBACK_WORK_BUDGET_SECONDS = tostring(row.work_budget_seconds)
      HEARBACK_LEASE_SECONDS       = tostring(row.lease_seconds)
      HEARBACK_UNITS_PER_MINUTE    = tostring(row.units_per_minute)
    }
    settings          = distinct(flatten([for word in row.uses : try(local.uses[word].settings, [])]))
    secrets           = distinct(flatten([for word in row.uses : try(local.uses[word].secrets, [])]))
    optional_settings = distinct(flatten([for word in row.uses : try(local.uses[word].optional_settings, [])]))
    optional_secrets  = distinct(flatten([for word in row.uses : try(local.uses[word].optional_secrets, [])]))
    roles = { for place in ["project", "topics", "key", "bucket"] :
      place => distinct(flatten([for word in row.uses : try(local.uses[word].roles[place], [])]))
    }
  } }

  deliveries = merge([for name, row in local.rows : { for topic in local.topics_of[name] : topic => {
    function             = name
    subscription         = "${topic}.${name}"
    dead_letter          = try(row.dead_letter, null)
    ack_deadline_seconds = row.ack_deadline_seconds
    minimum_backoff      = "${row.backoff.minimum_seconds}s"
    maximum_backoff      = "${row.backoff.maximum_seconds}s"
    attempts             = row.attempts
    # A week of trouble of ours; what nobody could handle waits as long as Pub/Sub keeps anything, 31 days.
    retention       = can(row.dead_letter) ? "604800s" : "2678400s"
    takes_from_ours = can(row.dead_letter) && topic != var.gmail_topic
  } }]...)

  jobs = merge([for name, row in local.rows : { for n, schedule in try(row.schedules, []) :
    length(row.schedules) == 1 ? name : "${name}-${n + 1}" => {
      cloud_name = replace(length(row.schedules) == 1 ? name : "${name}-${n + 1}", "_", "-")
      function   = name
      cron       = schedule.cron
      payload    = jsonencode(try(schedule.payload, {}))
      # A call that takes its full time has answered before the scheduler gives it up.
      attempt_deadline = "${row.timeout_seconds + 30}s"
    }
  }]...)
}

output "functions" {
  description = "Every function by its name in the table."
  value       = local.functions

  precondition {
    condition     = alltrue([for f in local.functions : length(f.service_account) >= 6 && length(f.service_account) <= 30])
    error_message = "A service account's id has 6 to 30 characters; \"fn-\" and the function's name must fit."
  }
  precondition {
    condition     = alltrue([for f in local.functions : can(regex("^[a-z][a-z0-9-]{1,61}[a-z0-9]$", f.cloud_name))])
    error_message = "A function's name becomes that of a Cloud Run service: letters, digits and hyphens, at most 63."
  }
  precondition {
    condition     = alltrue(flatten([for f in local.functions : [for word in f.uses : contains(keys(local.uses), word)]]))
    error_message = "A row uses a word that uses.yaml does not know."
  }
}

output "deliveries" {
  description = "Every topic by its name, with the function that gets its messages and on what terms."
  value       = local.deliveries

  precondition {
    condition     = length(local.deliveries) == length(flatten(values(local.topics_of)))
    error_message = "A topic wakes two functions."
  }
  precondition {
    condition     = alltrue([for d in local.deliveries : d.dead_letter == null || contains(keys(local.deliveries), coalesce(d.dead_letter, "none"))])
    error_message = "A dead letter that no function reads."
  }
}

output "jobs" {
  description = "Every job of the scheduler."
  value       = local.jobs

  precondition {
    condition     = alltrue([for job in local.jobs : length(job.payload) <= 100000])
    error_message = "Cloud Scheduler takes a body of 100 KB."
  }
}

output "members" {
  description = "For each setting, secret and place: the functions that have it."
  value = {
    secrets = { for secret in distinct(flatten(values(local.functions)[*].secrets)) :
      secret => [for name, f in local.functions : name if contains(f.secrets, secret)]
    }
    optional_secrets = { for secret in distinct(flatten(values(local.functions)[*].optional_secrets)) :
      secret => [for name, f in local.functions : name if contains(f.optional_secrets, secret)]
    }
    project = merge([for name, f in local.functions : { for role in f.roles.project : "${name} ${role}" => {
      function = name
      role     = role
    } }]...)
    topics = { for role in distinct(flatten([for f in local.functions : f.roles.topics])) :
      role => [for name, f in local.functions : name if contains(f.roles.topics, role)]
    }
    key = { for role in distinct(flatten([for f in local.functions : f.roles.key])) :
      role => [for name, f in local.functions : name if contains(f.roles.key, role)]
    }
    bucket = { for role in distinct(flatten([for f in local.functions : f.roles.bucket])) :
      role => [for name, f in local.functions : name if contains(f.roles.bucket, role)]
    }
  }
}
