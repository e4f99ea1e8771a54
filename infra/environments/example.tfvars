# One file for each environment, each its own project with its own OAuth client.

project_id      = "hearback-example"
region          = "europe-west1"
oauth_client_id = "123456789012-abc123.apps.googleusercontent.com"
allowed_origins = ["https://app.example.com"]
redirect_uris   = ["https://hearback.example.com/v1/gmail/callback"]
optional_settings = {
  HEARBACK_ADVISOR_URL   = "https://europe-west1-aiplatform.googleapis.com/v1/projects/hearback-example/locations/europe-west1/endpoints/openapi"
  HEARBACK_ADVISOR_MODEL = "google/gemini-flash-lite"
}
domain          = "hearback.example.com"
alert_email     = "ops@example.com"
billing_account = "000000-000000-000000"
monthly_budget  = 20

github_repository = "example/hearback"
