"""Hearback: the e-mail side of a job search."""
