"""Files of an import that cannot be read after it."""

from pathlib import Path

from services.synthesizer.imports.sealed import Seal


def test_a_sealed_file_that_is_written_again_holds_only_what_was_written_last(tmp_path: Path) -> None:
    seal, path = Seal(), tmp_path / "rows"
    for content in (b"an attempt that ran out of memory", b"the next attempt"):
        with seal.write(path) as file:
            file.write(content)

    with seal.read(path) as file:
        assert file.read() == b"the next attempt"
    assert b"attempt" not in path.read_bytes()
