"""Shares of scenarios as people type them."""

from cli.kit.run import Failed
from greenroom.enricher.v1.enrichment_pb2 import ScenarioShare


def share(text: str) -> ScenarioShare:
    """A scenario with its share, 1 if none is given, from `edge_cases=0.2`."""
    name, _, part = text.partition("=")
    try:
        return ScenarioShare(scenario=name, share=float(part) if part else 1.0)
    except ValueError:
        raise Failed(f"--scenario {text}: the share `{part}` is not a number; write one such as {name}=0.2.") from None
