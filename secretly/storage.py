"""Where attachments lie: a bucket of S3, or of a service that speaks like it."""

from typing import Any, Literal

from botocore.config import Config


def s3(bucket: str, region: str, endpoint: str | None) -> dict[str, Any]:
    """An entry of Django's STORAGES; `endpoint` is the service's address where it is not AWS."""
    # boto3's default since 1.36, a CRC of every object, is refused by many services that speak S3.
    checksums: Literal["when_required", "when_supported"] = "when_required" if endpoint else "when_supported"
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "region_name": region,
            "endpoint_url": endpoint,
            # Attachments reach their owner only through the site, so objects need no public address: they are private
            # by default, and new buckets of AWS refuse ACLs.
            "default_acl": None,
            "file_overwrite": False,
            "client_config": Config(
                connect_timeout=3,
                read_timeout=20,
                retries={"mode": "standard", "total_max_attempts": 3},
                request_checksum_calculation=checksums,
                response_checksum_validation=checksums,
            ),
        },
    }
