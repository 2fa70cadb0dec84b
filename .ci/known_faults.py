"""What is publicly known against the packages of a list (PyPI's service, asked by pip-audit): `known_faults.py LIST`.

Ends with 0 where it has an answer for each and knows nothing, with 1 and the faults where something is known, with 75
where nothing is known but some packages, which are named, could not be asked for.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NOT_ASKED = 75  # EX_TEMPFAIL: try again where the service can be reached


def main(wanted: Path) -> int:
    packages = [line.partition("==")[0] for line in wanted.read_text().split()]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        said = audit(wanted, file)
        found: list[dict[str, Any]] = json.loads(file.read_text())["dependencies"] if file.exists() else []
    reasons = {one["name"]: one["skip_reason"] for one in found if "skip_reason" in one}
    answered = {one["name"] for one in found} - reasons.keys()
    faults = [(one, fault) for one in found for fault in one.get("vulns", ())]
    for one, fault in faults:
        print(
            f"KNOWN FAULT: {one['name']} {one['version']}: {fault['id']}, mended in {fault['fix_versions'] or 'none'}"
        )
    missing = [name for name in packages if name not in answered]
    if missing:
        why = next(iter(reasons.values()), said)
        print(f"MISSING: what is known against {len(missing)} of {len(packages)} packages: {why}")
        print(f"not asked for: {', '.join(missing)}")
    if faults:
        return 1
    if missing:
        return NOT_ASKED
    print(f"nothing is known against {len(packages)} packages")
    return 0


def audit(wanted: Path, file: Path) -> str:
    """Has its answer written to the file; the last line of what it says beside."""
    command = ["pip-audit", "--disable-pip", "--no-deps", "-r", wanted, "-f", "json", "-o", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or [f"pip-audit ended with {done.returncode}"])[-1]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
