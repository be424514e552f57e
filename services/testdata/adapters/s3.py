"""S3: the address and the credentials for buckets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    from obstore.store import S3Store

_RETRIES: Any = {"max_retries": 10, "retry_timeout": timedelta(seconds=30)}
"""After these limits the job fails with a reason, and a retry continues it."""


class ObstoreMissing(FailedPrecondition):
    """GREENROOM_BUCKETS needs the package obstore, which is not installed; install greenroom[s3]."""

    reason = "OBSTORE_MISSING"


class IncompleteKey(FailedPrecondition):
    """A key for S3 has two parts; set GREENROOM_S3_ACCESS_KEY_ID and GREENROOM_S3_SECRET_ACCESS_KEY, or neither."""

    reason = "INCOMPLETE_S3_KEY"


@dataclass(frozen=True, slots=True)
class S3Access:
    """How buckets are reached.

    endpoint: the address of a service that speaks S3, None for Amazon's; an http:// address is used without TLS.
    Without keys the machine's own identity is used, found as Amazon's tools do.
    """

    endpoint: str | None = None
    region: str = "us-east-1"
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None

    def open(self, bucket: str) -> "S3Store":
        """The store of a bucket; sends no request yet. Raises ObstoreMissing, IncompleteKey."""
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise ObstoreMissing from error
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise IncompleteKey
        config: Any = {"region": self.region}
        if self.endpoint is not None:
            config["endpoint"] = self.endpoint
        if self.access_key_id is not None and self.secret_access_key is not None:
            config["access_key_id"] = self.access_key_id.get_secret_value()
            config["secret_access_key"] = self.secret_access_key.get_secret_value()
        insecure = self.endpoint is not None and self.endpoint.startswith("http://")
        return S3Store(bucket, config=config, client_options={"allow_http": insecure}, retry_config=_RETRIES)
