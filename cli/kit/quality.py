"""The quality of records in words."""

from greenroom.testdata.v1.record_quality_pb2 import RecordQuality


def quality_words(quality: RecordQuality) -> str:
    """The score and its parts, such as `0.95: rules held 1.00, diversity 0.90`."""
    parts = [f"{field.name.replace('_', ' ')} {value:.2f}" for field, value in quality.ListFields() if field.number > 1]
    return f"{quality.score:.2f}: {', '.join(parts)}" if parts else "nothing to measure"
