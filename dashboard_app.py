"""The command center for `streamlit run dashboard_app.py`; `sniper serve` shows the same page.

The workspace is `$SNIPER_WORKSPACE`, or the folder that `make demo` fills.
"""

import os
from pathlib import Path

from sla_sniper.ui.page import show

show(Path(os.environ.get("SNIPER_WORKSPACE", "demo")))
