"""Files of datasets of records. `write_record_part` runs in a worker process."""

from dataclasses import dataclass

from services.testdata.adapters.part_files import Sink, whole_files
from services.testdata.record_datasets.model import RecordFile, RecordPart
from services.testdata.record_datasets.parts import label_lines, part_file
from services.testdata.records.formats import Format
from services.testdata.records.making import Chunk, write_cells
from shared.no_links import Place


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """A part to write. source: see `packed`."""

    source: bytes
    form: Format
    cells: range
    index: int
    place: Place


def write_record_part(order: RecordOrder) -> RecordPart:
    """Generate a part and write its files to disk, all or none. Raises OSError."""
    sinks: dict[tuple[str, bool], Sink] = {}
    with order.place.open() as folder, whole_files(folder) as open_file:

        def write(chunk: Chunk) -> None:
            for labels, data in ((False, chunk.data), (True, label_lines(chunk.beside))):
                if data:
                    if (chunk.entity, labels) not in sinks:
                        file = part_file(chunk.entity, order.index, order.form, labels=labels)
                        sinks[chunk.entity, labels] = Sink(open_file(file))
                    sinks[chunk.entity, labels].write(data)

        counts, checks = write_cells(order.source, order.form, order.cells, write)
    files: list[RecordFile] = []
    for entity, count in counts.items():
        for labels in (False, True):
            if sink := sinks.get((entity, labels)):
                name, digest = part_file(entity, order.index, order.form, labels=labels), sink.digest.hexdigest()
                files.append(RecordFile(name, entity, 0 if labels else count, sink.size, digest, labels))
    return RecordPart(order.index, tuple(files), tuple(checks))
