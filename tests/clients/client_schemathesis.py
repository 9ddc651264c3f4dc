"""schemathesis: requests made up from /openapi.json, and whether the answers are what it says."""
import pathlib
import subprocess
import sys

import common

sys.exit(subprocess.run([pathlib.Path(sys.executable).parent / "schemathesis", "run", f"http://{common.ADDRESS}/openapi.json", "--checks", "all",
                         "--max-examples", "30", "--seed", "1", "--workers", "2"]).returncode)
