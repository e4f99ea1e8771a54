"""Mail for the tests of Gmail, in one line each."""

from __future__ import annotations

from email.message import EmailMessage

ADA = "ada@example.com"


def mail(
    subject: str = "Your application",
    text: str = "Thank you for applying.",
    *,
    sender: str = "Acme Careers <jobs@acme.com>",
    to: str = ADA,
    message_id: str = "",
    html: str = "",
    attachment: tuple[str, bytes] | None = None,
    **headers: str,
) -> bytes:
    """An RFC 5322 mail; further headers by keyword, underscores for hyphens."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    if message_id:
        message["Message-ID"] = message_id
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    if attachment:
        name, content = attachment
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()
