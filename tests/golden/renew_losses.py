"""Write tests/golden/losses.npz: all of the official losses' numbers, which are small.

python -m tests.golden.renew_losses
"""

import shutil

from tests.conftest import GOLDEN, SHARED

if __name__ == "__main__":
    shutil.copy(SHARED / "oracle" / "losses.npz", GOLDEN / "losses.npz")
