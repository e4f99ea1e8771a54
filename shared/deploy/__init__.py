"""For whoever deploys and runs Hearback: zips, the gcloud way, a doctor, a status. Never deployed itself."""
