variables {
  table = <<-EOT
    defaults:
      cpu: 1
      memory: 512Mi
      concurrency: 1
      max_instances: 3
      work_budget_seconds: 75
      timeout_seconds: 120
      ack_deadline_seconds: 150
      lease_seconds: 180
      attempts: 20
      backoff: {minimum_seconds: 10, maximum_seconds: 600}
      units_per_minute: 4500
      groups: [base]
      uses: [firestore]
    functions:
      gmail_push:
        summary: Gmail's.
        topic: gmail-push
        dead_letter: gmail-push-dead
        concurrency: 4
        uses: [firestore, gmail]
      read_it:
        summary: Ours.
        topic: read-it
        dead_letter: read-it-dead
        uses: [firestore, queue, vault, addresses]
      park:
        summary: Dead letters.
        topics: [gmail-push-dead, read-it-dead]
      twice:
        summary: Two crons.
        schedules: [{cron: "0 1 * * *", payload: {kind: a}}, {cron: "0 2 * * *"}]
      api:
        summary: People.
        http: public
        paths: ["/v1/*"]
  EOT
}

run "a_row_stands_on_the_defaults" {
  command = plan

  assert {
    condition     = output.functions.gmail_push.concurrency == 4 && output.functions.gmail_push.environment.THREADS == "4"
    error_message = "A row's own value must win, and THREADS must follow it."
  }
  assert {
    condition     = output.functions.park.concurrency == 1 && output.functions.park.memory == "512Mi"
    error_message = "What a row does not say comes from the defaults."
  }
}

run "names_fit_the_cloud" {
  command = plan

  assert {
    condition     = output.functions.gmail_push.cloud_name == "gmail-push" && output.functions.gmail_push.service_account == "fn-gmail-push"
    error_message = "An underscore becomes a hyphen."
  }
}

run "roles_follow_from_what_a_row_uses" {
  command = plan

  assert {
    condition     = jsonencode(output.functions.park.roles) == jsonencode({ project = ["roles/datastore.user"], topics = [], key = [], bucket = [] })
    error_message = "A function that uses Firestore alone gets its role and no other."
  }
  assert {
    condition     = jsonencode(output.members.topics) == jsonencode({ "roles/pubsub.publisher" = ["read_it"] })
    error_message = "Only functions that use the queue publish."
  }
  assert {
    condition     = jsonencode(output.members.secrets) == jsonencode({ HEARBACK_OAUTH_CLIENT_SECRET = ["gmail_push"], HEARBACK_MAILBOX_SECRET = ["read_it"] })
    error_message = "A secret is for the functions that use its word."
  }
  assert {
    condition     = output.functions.api.public && !output.functions.park.public
    error_message = "Only http: public is public."
  }
}

run "topics_know_their_dead_letters" {
  command = plan

  assert {
    condition     = output.deliveries["read-it"].dead_letter == "read-it-dead" && output.deliveries["read-it-dead"].dead_letter == null
    error_message = "A dead letter has no further dead letter."
  }
  assert {
    condition     = output.deliveries["read-it-dead"].function == "park" && output.deliveries["read-it-dead"].retention == "2678400s"
    error_message = "A dead letter is read, and kept for 31 days."
  }
  assert {
    condition     = jsonencode([for topic, d in output.deliveries : topic if d.takes_from_ours]) == jsonencode(["read-it"])
    error_message = "Functions publish to our own topics, not to Gmail's and not to dead letters."
  }
}

run "each_schedule_is_a_job" {
  command = plan

  assert {
    condition     = join(" ", keys(output.jobs)) == "twice-1 twice-2" && output.jobs["twice-1"].payload == "{\"kind\":\"a\"}"
    error_message = "A row with two schedules has two numbered jobs, each with its payload."
  }
  assert {
    condition     = output.jobs["twice-2"].attempt_deadline == "150s"
    error_message = "The scheduler waits longer than the function may take."
  }
}

run "a_name_that_is_too_long_is_refused" {
  command = plan

  variables {
    table = <<-EOT
      defaults:
        {cpu: 1, memory: 512Mi, concurrency: 1, max_instances: 3, work_budget_seconds: 75, timeout_seconds: 120,
         ack_deadline_seconds: 150, lease_seconds: 180, attempts: 20, units_per_minute: 4500, uses: [firestore],
         backoff: {minimum_seconds: 10, maximum_seconds: 600}}
      functions:
        a_name_that_is_longer_than_any_account: {summary: Too long., http: public}
    EOT
  }

  expect_failures = [output.functions]
}

run "a_word_that_nobody_knows_is_refused" {
  command = plan

  variables {
    table = <<-EOT
      defaults:
        {cpu: 1, memory: 512Mi, concurrency: 1, max_instances: 3, work_budget_seconds: 75, timeout_seconds: 120,
         ack_deadline_seconds: 150, lease_seconds: 180, attempts: 20, units_per_minute: 4500, uses: [firestore],
         backoff: {minimum_seconds: 10, maximum_seconds: 600}}
      functions:
        api: {summary: Uses what is not there., http: public, uses: [firestore, teleport]}
    EOT
  }

  expect_failures = [output.functions]
}

run "a_dead_letter_without_a_reader_is_refused" {
  command = plan

  variables {
    table = <<-EOT
      defaults:
        {cpu: 1, memory: 512Mi, concurrency: 1, max_instances: 3, work_budget_seconds: 75, timeout_seconds: 120,
         ack_deadline_seconds: 150, lease_seconds: 180, attempts: 20, units_per_minute: 4500, uses: [firestore],
         backoff: {minimum_seconds: 10, maximum_seconds: 600}}
      functions:
        read_it: {summary: Its dead letters are lost., topic: read-it, dead_letter: read-it-dead}
    EOT
  }

  expect_failures = [output.deliveries]
}
