"""The demo's shop, made once for all stories of a run and copied for each."""

import fcntl
import hashlib
import shutil
import tempfile
from pathlib import Path

from tests.stories.shop import Shop

_HERE = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:12]


def demo_shop(folder: Path, candidates: int) -> Shop:
    """Return a shop with the data of `c2b demo`, not opened yet; whoever comes first makes it, the others wait and copy."""
    made = Path(tempfile.gettempdir()) / f"c2b-demo-{_HERE}-{candidates}"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "done").exists():
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            Shop(made).c2b("demo", "--no-serve", "--data", str(made / "data"), "--candidates", str(candidates))
            (made / "done").touch()
    shop = Shop(folder)
    shutil.copytree(made / "data", shop.data)
    return shop
