"""A model of Gmail that ships with Hearback: for the demo, for developing, and for every test."""

from shared.local.gmail.faults import Fault, Faults
from shared.local.gmail.model import GmailModel
from shared.local.gmail.port import ModelGmail

__all__ = ["Fault", "Faults", "GmailModel", "ModelGmail"]
