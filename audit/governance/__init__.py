"""Approvals of a loosened policy: signatures of line 2 in a file beside the policy. What cannot be verified counts as nothing."""
