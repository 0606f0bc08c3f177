import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["embedding", "trainer"])
def test_a_service_starts_without_importing_torch(service: str) -> None:
    code = f"import sys, aloft.{service}.app; print([m for m in ('torch', 'timm') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]", f"importing {service} imported {done.stdout.strip()}"
