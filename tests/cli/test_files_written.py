"""Whatever a command writes may hold personal data."""

import stat
import subprocess
import sys
from pathlib import Path


def test_nobody_else_on_the_machine_reads_what_a_command_wrote(tmp_path: Path) -> None:
    environment = {"C2B_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    for words in (["init"], ["backup", str(tmp_path / "backup.db")]):
        subprocess.run([sys.executable, "-m", "c2b.cli", *words], cwd=tmp_path, env=environment, check=True, capture_output=True)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"c2b.db", "backup.db"}
    assert {oct(stat.S_IMODE(path.stat().st_mode)) for path in written} == {"0o600"}
