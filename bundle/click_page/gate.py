# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Who may speak to the page: asked once for every request, before any handler of Bokeh or of ours sees it.

On loopback, requests must name loopback as their host, so that a foreign web page whose name was made to point here
(DNS rebinding) reaches nothing. Elsewhere, a secret token is asked for, which the printed address holds; a cookie keeps
it. Requests that another site's page makes are refused in both cases. The page may be shown in no frame and fetches
nothing from anywhere else.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bokeh.server.tornado import BokehTornado
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

LOOPBACK = ("localhost", "127.0.0.1", "::1")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none';"
    " base-uri 'none'; form-action 'none'"
)


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Gate:
    """The rules for one address.

    Args:
        host: address that the server listens at.
        token: asked for; None: none on loopback, a new one elsewhere.
    """

    def __init__(self, host: str, token: str | None = None) -> None:
        self.host = host
        self.token = token or (None if is_loopback(host) else secrets.token_urlsafe(24))

    def refusal(self, request: HTTPServerRequest) -> str:
        """Why a request is refused; "" for one that may pass."""
        named = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        if is_loopback(self.host) and named not in (*LOOPBACK, self.host):
            return f"this page is at {self.host} alone: open the address that the program printed"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            return "the request comes from the page of another site"
        if self.token and not (self.is_entry(request) or self._has(self._cookie(request))):
            return "the token is missing: open the address that the program printed, with all that follows the ?"
        return ""

    def is_entry(self, request: HTTPServerRequest) -> bool:
        """Whether a request is the printed address with the right token."""
        given = parse_qs(request.query).get("token", [""])
        return request.path == "/" and self.token is not None and self._has(given[0])

    def cookie_name(self, request: HTTPServerRequest) -> str:
        """Of the cookie that keeps the token; each port of a machine has its own."""
        return f"click_{urlsplit(f'//{request.host}').port or 0}"

    def _cookie(self, request: HTTPServerRequest) -> str:
        morsel = request.cookies.get(self.cookie_name(request))
        return morsel.value if morsel else ""

    def _has(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


class _Refuse(RequestHandler):
    def initialize(self, reason: str) -> None:
        self.reason = reason

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self.reason + "\n")


class _Enter(RequestHandler):
    """The printed address: the token moves into a cookie and out of the address."""

    def initialize(self, gate: Gate) -> None:
        self.gate = gate

    def get(self) -> None:
        name = self.gate.cookie_name(self.request)
        self.set_cookie(name, self.gate.token or "", httponly=True, samesite="Strict", path="/")
        self.redirect("/")


class _Headers(OutputTransform):
    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers["Content-Security-Policy"] = POLICY
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        return status_code, headers, chunk


class GuardedTornado(BokehTornado):
    """Bokeh's server application behind a gate.

    Args:
        applications: as `BokehTornado` takes them.
        gate: the rules.
        more: further arguments of `BokehTornado`.
    """

    def __init__(self, applications: Any, gate: Gate, **more: Any) -> None:
        super().__init__(applications, **more)
        self.gate = gate
        self.add_transform(_Headers)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """The handler of a request, or of its refusal."""
        if reason := self.gate.refusal(request):
            return self.get_handler_delegate(request, _Refuse, {"reason": reason})
        if self.gate.is_entry(request):
            return self.get_handler_delegate(request, _Enter, {"gate": self.gate})
        return super().find_handler(request, **kwargs)
