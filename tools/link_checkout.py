"""Makes this checkout importable in the virtual environment that runs this script, with the command `greenroom`.

The application is not a package: `services`, `shared` and `cli` would land beside a user's code.
"""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    paths = (ROOT, ROOT / "client", ROOT / "protos" / "gen")
    Path(sysconfig.get_path("purelib"), "greenroom.pth").write_text("".join(f"{path}\n" for path in paths))
    command = Path(sysconfig.get_path("scripts"), "greenroom")
    command.write_text(f"#!{sys.executable}\nfrom cli.main import app\n\napp()\n")
    command.chmod(0o755)
