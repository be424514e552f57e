"""The address of the gateway, as people write it."""

import pytest

from cli.main import app


@pytest.mark.parametrize("address", ["nope", "http://localhost:9000", "localhost:", ":9000", "localhost:99999", ""])
def test_what_is_no_address_is_refused_with_an_example(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        app(["--address", address, "batches", "list"])
    assert exit_.value.code == 2
    sentence = f"greenroom: `{address}` is no address of a gateway; write host:port, such as 127.0.0.1:9000.\n"
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize(
    "address", ["localhost:1", "[::1]:1", "dns:///localhost:1", "unix:/nowhere", "ipv4:127.0.0.1:1"]
)
def test_every_form_of_an_address_is_called(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        app(["--address", address, "status"])
    assert exit_.value.code == 4
    assert f"Nothing answers at {address}" in capsys.readouterr().err
