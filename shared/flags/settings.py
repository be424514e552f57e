"""The settings of feature flags."""

from shared.settings import File, Settings


class FlagSettings(Settings):
    """The settings of a server whose features have flags."""

    flags: File | None = None
    """A YAML file that turns features off, see [feature flags](#feature-flags); without one everything is on."""

    flag_provider: str | None = None
    """Instead of a file: the OpenFeature provider, as `package.module:name` of what gives it."""

    environment: str = "production"
    """The name of this server's environment, by which flags can tell servers apart."""
