"""Waivers: people's acceptance of a finding for a time, as signed files laid over findings. What cannot be verified is void."""

from audit.waivers.applying import Laid, lay, preview
from audit.waivers.files import Folder, WaiverFile, read_folder, read_waiver
from audit.waivers.history import entry
from audit.waivers.validity import Situation, situation

__all__ = ["Folder", "Laid", "Situation", "WaiverFile", "entry", "lay", "preview", "read_folder", "read_waiver", "situation"]
