terraform {
  # Write-only attributes keep secrets out of the state.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.0, < 9.0"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.0, < 9.0"
    }
  }

  # terraform init -backend-config="bucket=PROJECT-terraform": each environment keeps its own state.
  backend "gcs" {
    prefix = "hearback"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
  # The budget's API wants to know which project asks.
  billing_project       = var.project_id
  user_project_override = true
}

provider "google-beta" {
  project = var.project_id
  region  = var.region
}
