"""Put a fault into the installed command. Python imports this file at start when the tests put its folder on PYTHONPATH.

`AUDIT_TEST_FAULT=mode:check-id`.
"""

import os

from tests.failclosed import faults

faults.plant(*os.environ["AUDIT_TEST_FAULT"].split(":"))
