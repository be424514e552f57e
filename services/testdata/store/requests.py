"""Requests that may be sent again, in this service's ledger."""

from functools import partial

from services.testdata.store.tables import requests
from shared.db import ledger

claim = partial(ledger.claim, requests)
earlier = partial(ledger.earlier, requests)
