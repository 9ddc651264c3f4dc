"""schemathesis: requests made up from /openapi.json, and whether the answers are what it says."""
import os
import pathlib
import subprocess
import sys

import common

here = pathlib.Path(__file__).parent
sys.exit(subprocess.run([pathlib.Path(sys.executable).parent / "schemathesis", "--config-file", here / "schemathesis.toml", "run",
                         f"http://{common.ADDRESS}/openapi.json", "--max-examples", "30", "--seed", "1"],
                        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(here)}).returncode)
