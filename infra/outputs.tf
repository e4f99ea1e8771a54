output "addresses" {
  description = "Where the public functions answer, by name."
  value       = { for name, function in module.function : name => function.uri if module.registry.functions[name].public }
}

output "domain_address" {
  description = "What the domain's A record must point at; empty without a domain."
  value       = one(google_compute_global_address.this[*].address)
}

output "zips" {
  description = "The zip that each function runs."
  value       = { for name, function in module.function : name => function.zip }
}

output "workload_identity_provider" {
  description = "For the deploy workflow; empty without a repository."
  value       = one(google_iam_workload_identity_pool_provider.github[*].name)
}
