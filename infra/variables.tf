variable "project_id" {
  description = "The project: one for each environment, and that of the OAuth client, since Gmail's watch demands it."
  type        = string
}

variable "region" {
  description = "Where everything runs and is kept."
  type        = string
  default     = "europe-west1"
}

variable "zips" {
  description = "Folder with the zips that scripts/package makes, relative to this one."
  type        = string
  default     = "../build/zips"
}

variable "oauth_client_id" {
  description = "The OAuth client that people sign in with and connect their Gmail through."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+-[a-z0-9]+\\.apps\\.googleusercontent\\.com$", var.oauth_client_id))
    error_message = "Not a client id like 123-abc.apps.googleusercontent.com."
  }
}

variable "secrets" {
  description = "Value of each secret by its name in infra/registry/uses.yaml; in no plan and no state. Needed when `secrets_version` is new."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true
}

variable "secrets_version" {
  description = "Count it up to have the secrets above written again."
  type        = number
  default     = 1
}

variable "optional_secrets" {
  description = "Those of the optional secrets in infra/registry/uses.yaml that this deployment has."
  type        = list(string)
  default     = []
}

variable "redirect_uris" {
  description = "Where Google sends a person back to after consent, word for word as the OAuth client has them."
  type        = list(string)
  default     = []
}

variable "optional_settings" {
  description = "Those of the optional settings in infra/registry/uses.yaml that this deployment has: of the advisor, of mail."
  type        = map(string)
  default     = {}
}

variable "allowed_origins" {
  description = "Origins whose pages may call the API from a browser."
  type        = list(string)
  default     = []
}

variable "domain" {
  description = "A name whose A record points here, in front of the public functions; empty for Cloud Run's own addresses."
  type        = string
  default     = ""
}

variable "alert_email" {
  description = "Who is told of dead letters and of the budget; empty for nobody."
  type        = string
  default     = ""
}

variable "billing_account" {
  description = "The billing account to hold a budget against; empty for none."
  type        = string
  default     = ""
}

variable "monthly_budget" {
  description = "In the billing account's currency."
  type        = number
  default     = 20
}

variable "github_repository" {
  description = "owner/name of the repository whose workflow may deploy; empty for none."
  type        = string
  default     = ""
}
