"""Run the benchmarks and report whether every gate held.

python -m benchmarks [--only TOPIC] [--quick]
"""

import argparse
import importlib
import sys

TOPICS = (
    "demo",
    "conversations",
    "batches",
    "models",
    "traces",
    "datasets",
    "records",
    "quality",
    "leaving",
    "names",
    "nonsense",
    "integrity",
    "hostile",
    "lists",
    "people",
    "evaluation",
    "calibration",
    "conversation_quality",
    "verdicts",
    "until_sure",
    "hostile_files",
    "imports",
    "redaction",
    "rules",
    "domains",
    "knowledge",
    "judges",
    "messages",
    "campaigns",
    "campaign_checks",
    "campaign_imports",
    "generations",
)
"""Each topic is a module with `run(quick) -> bool`."""


def main() -> int:
    """Run all topics or one; return 0 if every gate held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks.")
    parser.add_argument("--only", choices=TOPICS, help="run one topic")
    parser.add_argument("--quick", action="store_true", help="the same claims with less work, within two minutes")
    arguments = parser.parse_args()
    topics = (arguments.only,) if arguments.only else TOPICS
    held = [importlib.import_module(f"benchmarks.{topic}").run(arguments.quick) for topic in topics]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
