"""Google's JSON APIs by google-api-python-client: built from the discovery document that the package ships.

With another root URL, plain, upload and batch calls all follow it; the client's own `api_endpoint` moves plain calls
only.
"""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import TypeVar

import google.auth
import httplib2
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import Resource, build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from shared.errors import Rejected, TryAgain

T = TypeVar("T")

TIMEOUT_SECONDS = 20.0
"""For connecting and for each read; below the work budget even when both are used up."""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The service account's roles decide what it may do; the scope only has to cover them."""

NOT_FOUND = 404

REFUSED_FOR_GOOD = frozenset({400, 411, 412, 413, 414, 416, 422})
"""The request itself is wrong. 401 and 403 are not here: somebody can mend a permission, and nothing is lost."""

FAILED_PRECONDITION = b'"FAILED_PRECONDITION"'
"""Google's canonical status for a 400 that blames a state (a key is disabled), not the request."""


def build(service: str, version: str, root: str = "") -> Resource:
    """The API's resource tree without a network call; `root` replaces Google's own root URL."""
    shipped = get_static_doc(service, version)
    if shipped is None:
        raise LookupError(f"google-api-python-client ships no {service} {version}")
    document = json.loads(shipped)
    if root:
        document["rootUrl"] = root.rstrip("/") + "/"
    # Without an HTTP object the client would look for credentials now; this one is never used.
    return build_from_document(document, http=httplib2.Http())


def default_credentials() -> Credentials:
    """Those of this process (ADC: the function's service account). Raises TryAgain when it has none."""
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except GoogleAuthError as e:
        raise TryAgain(f"no credentials: {e}") from e
    return credentials


def execute(request: HttpRequest, credentials: Credentials, kind: type[T]) -> T | None:
    """The answer of one call, tried once over a connection of its own, from any thread; None for 404.

    Raises Rejected when the request itself is refused, TryAgain for everything that time or an operator can mend;
    also when the answer is not of the `kind` expected, since the client hands on a JSON text that was cut off.
    """
    # Plain HTTP is a stand-in on this machine, and no proxy of the environment has any business with it.
    proxy = None if request.uri.startswith("http:") else httplib2.proxy_info_from_environment
    http_object = AuthorizedHttp(credentials, http=httplib2.Http(timeout=TIMEOUT_SECONDS, proxy_info=proxy))
    try:
        with closing(http_object):
            answer = request.execute(http=http_object)
    except HttpError as e:
        if e.status_code == NOT_FOUND:
            return None
        what = f"{request.methodId}: {e.status_code}"
        for_good = e.status_code in REFUSED_FOR_GOOD and FAILED_PRECONDITION not in e.content
        raise (Rejected(what) if for_good else TryAgain(what)) from e
    except (OSError, httplib2.HttpLib2Error, http.client.HTTPException, GoogleAuthError) as e:
        raise TryAgain(f"{request.methodId}: {type(e).__name__}") from e
    if not isinstance(answer, kind):
        raise TryAgain(f"{request.methodId}: the answer was cut off")
    return answer
