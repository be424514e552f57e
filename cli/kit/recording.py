"""The options that say whether calls of models are recorded or replayed."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cli.kit.run import USAGE, Failed
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec, RecordingMode


@dataclass(frozen=True, slots=True)
class Recording:
    """Whether calls are recorded or replayed; without an option the spec's mode stays."""

    replay: Annotated[
        bool, typer.Option("--replay", help="Call no model: take each answer from the recording of the same request.")
    ] = False
    no_record: Annotated[bool, typer.Option("--no-record", help="Do not record the calls of models.")] = False

    def set(self, spec: ConversationSpec) -> None:
        """Set the mode that was asked for. Raises Failed for both."""
        if self.replay and self.no_record:
            raise Failed("Choose one of --replay and --no-record.", USAGE)
        if self.replay or self.no_record:
            spec.recording = RecordingMode.RECORDING_MODE_REPLAY if self.replay else RecordingMode.RECORDING_MODE_LIVE
