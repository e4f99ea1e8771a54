"""The front end asks: applications, their ledgers, and what waits for an answer."""

from shared import entry
from shared.services import services
from shared.web import api as routes
from shared.web.http import Request, Response


@entry.http
def api(request: Request) -> Response:
    return routes.respond(request, services())
