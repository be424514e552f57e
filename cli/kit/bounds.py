"""What values a field may have, in a few words."""

from google.protobuf.struct_pb2 import Value

from greenroom.type.v1.domain_pb2 import FieldBounds, FieldConstraint
from shared.rpc.values import value_json


def allowed(bounds: FieldBounds) -> str:
    """Such as `from 1 to 99` or `paid, shipped`; "" if nothing bounds the values."""
    least, most = _value(bounds.minimum), _value(bounds.maximum)
    within = [
        f"{'above' if bounds.exclusive_minimum else 'from'} {least}" if least else "",
        f"{'below' if bounds.exclusive_maximum else 'to'} {most}" if most else "",
    ]
    said = [
        ", ".join(map(_value, bounds.values)),
        " ".join(filter(None, within)),
        f"at least {bounds.min_length} characters" if bounds.min_length else "",
        f"up to {bounds.max_length} characters" if bounds.HasField("max_length") else "",
        f"matches {bounds.pattern}" if bounds.pattern else "",
    ]
    return "; ".join(filter(None, said))


def asked(constraint: FieldConstraint) -> str:
    """What a constraint allows, such as `from 1 to 99; always given`."""
    given = "always given" if constraint.HasField("nullable") and not constraint.nullable else ""
    return "; ".join(filter(None, [allowed(constraint.bounds), given]))


def _value(value: Value) -> str:
    return str(read) if (read := value_json(value)) is not None else ""
