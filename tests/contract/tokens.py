"""Tokens of callers, for servers with authentication."""

import time

import jwt

SECRET = "a secret of thirty-two bytes or more"
"""The `jwt_secret` of the servers."""


def token(company: str = "acme", **claims: object) -> str:
    """A token for an hour, with all permissions unless the claims say otherwise."""
    usual = {"company": company, "sub": f"jo@{company}", "permissions": ["*"], "exp": time.time() + 3600}
    return jwt.encode(usual | claims, SECRET, algorithm="HS256")
