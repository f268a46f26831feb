"""A bundle put where the sample app for iOS finds it, by Apple's own tool."""

import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rmpsam_mobile.bench.ios import steps
from rmpsam_mobile.bench.ios.devicectl import Devicectl, choose_device
from rmpsam_mobile.bundle import Bundle

MODELS: Final = "Documents/models"


def install_plan(app_id: str) -> list[str]:
    """Every command line, in order."""
    lines = [steps.find_devicectl(), steps.xcode_version(), steps.list_devices()]
    lines.append(steps.copy_to("DEVICE", "STAGED/models", app_id, MODELS))
    return [shlex.join(line) for line in lines]


def install_on_ios(
    bundle: Bundle, app_id: str, udid: str | None, said: Callable[[str], None], *, platform: str = sys.platform
) -> str:
    """Copy a bundle into the app's own Documents.

    Raises:
        MissingExtraError: no Mac, or no Xcode.
        DeviceError: no iPhone that can be used, or Apple's tool refused.
    """
    tools = Devicectl(said)
    tools.require(platform)
    device = choose_device(tools.call(steps.list_devices, "listing devices").answer, udid)
    with tempfile.TemporaryDirectory() as temporary:
        staged, name = Path(temporary, "models"), bundle.folder.resolve().name
        shutil.copytree(bundle.folder, staged / name)
        tools.call(
            lambda file: steps.copy_to(device.identifier, str(staged), app_id, MODELS, file),
            "copying the bundle to the phone",
            30.0 + bundle.size_bytes / 2**20,
        )
    return f"{MODELS}/{name}"
